import { rmSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { regenerateApiKey } from '../api-keys/regenerate-api-key.ts'
import { openDomain, REQUEST, type TestDomain } from '../testing/console-domain.ts'
import { readAnchor, writeAnchor } from './anchor-file.ts'
import { knows, populated, problems } from './testing/populated.ts'
import { storedState } from './testing/stored-state.ts'

describe('the ledger at a start', () => {
  it('accepts a database that is one write ahead of the anchor, as after a crash in between', async () => {
    const { domain, bob, folder } = await populated()
    const before = readAnchor(domain.config.anchorFile)
    const fresh = await regenerateApiKey(domain, bob.id, REQUEST)
    const after = readAnchor(domain.config.anchorFile)
    expect(after?.number).toBe((before?.number ?? 0) + 1)
    await domain.close()
    if (before !== undefined) writeAnchor(domain.config.anchorFile, before)
    const again = await openDomain(folder)
    expect(knows(again, fresh.apiKey).account).toBe(true)
    expect(readAnchor(again.config.anchorFile)).toEqual(after)
  })

  it('does not begin anew when it was deleted', async () => {
    const { domain, folder } = await populated()
    await domain.store.transaction(async (tx) => {
      await tx.deleteFrom('credential_head').execute()
      await tx.deleteFrom('credential_macs').execute()
    })
    await domain.close()
    await expect(openDomain(folder)).rejects.toThrow('its ledger is gone')
  })

  it('vouches once for what a version without a ledger has written', async () => {
    const { domain, ada, folder } = await populated()
    await domain.store.transaction(async (tx) => {
      await tx.deleteFrom('credential_head').execute()
      await tx.deleteFrom('credential_macs').execute()
    })
    await domain.close()
    rmSync(domain.config.anchorFile)
    const again = await openDomain(folder)
    expect(knows(again, ada.apiKey).account).toBe(true)
    expect(await problems(again)).toEqual([])
  })

  it('refuses a head of which anything is another', async () => {
    const { domain } = await populated()
    for (const change of [
      { sum: '0'.repeat(64) },
      { number: 1_000_000 },
      { lineage: 'ab'.repeat(12) },
      { mac: '' },
    ]) {
      const putBack = await storedState(domain)
      await domain.store.transaction((tx) =>
        tx.updateTable('credential_head').set(change).execute(),
      )
      // As a start examines it, which has seen nothing.
      const { broken } = await domain.ledger.examine(domain.store.db, undefined)
      expect(broken).toBe('the head of the ledger was changed')
      const write = regenerateApiKey(domain, (await firstAccount(domain)).id, REQUEST)
      await expect(write).rejects.toMatchObject({ code: 'not-ready' })
      await putBack()
    }
    expect(await problems(domain)).toEqual([])
  })
})

async function firstAccount(domain: TestDomain) {
  return domain.store.db.selectFrom('accounts').select('id').executeTakeFirstOrThrow()
}
