import { copyFileSync, mkdirSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { sealedWith } from '@keyrack/secrets'
import { HAS_POSTGRES } from '@keyrack/server/testing'
import { describe, expect, it } from 'vitest'
import { createKey } from '../create-key.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import {
  entry,
  founder,
  openDomain,
  REQUEST,
  type TestDomain,
  testFolder,
} from '../testing/console-domain.ts'
import { twoConsoles } from '../testing/two-consoles.ts'
import { keyStatus } from './key-status.ts'
import { retireMasterKey } from './retire-master-key.ts'
import { rotateMasterKey } from './rotate-master-key.ts'
import { addSealedRacks } from './testing/sealed-racks.ts'
import { verifyStored } from './verify-stored.ts'

/** More than two batches. */
const RACKS = 120
/** With the canary, the key of the ledger, and the key of this installation. */
const SEALED = RACKS + 3

async function withRacks(folder = testFolder()) {
  const domain = await openDomain(folder)
  const ada = await founder(domain)
  const keys = await addSealedRacks(domain, ada.organization.id, RACKS)
  const opened = (from: TestDomain) =>
    from.directory
      .racksOf(entry(from, ada.id))
      .filter((rack) => openRackKey(from.keyring, rack).reveal() === keys.get(rack.id)?.reveal())
  return { domain, ada, folder, opened, first: domain.keyring.current.id }
}

const problems = async (domain: TestDomain) =>
  (await verifyStored(domain, domain.config.anchorFile, domain.ledger.seen)).problems

describe('rotating the master key', () => {
  it('seals every value with a new key, says so after each batch, and tells what is unused', async () => {
    const { domain, opened, first, folder } = await withRacks()
    const told: number[] = []
    const report = await rotateMasterKey(domain, REQUEST, (done) => told.push(done))
    expect(report).toMatchObject({
      continued: false,
      resealed: SEALED,
      failed: [],
      unused: [first],
    })
    expect(told).toEqual([2, 52, 102, SEALED - 1, SEALED])
    expect(opened(domain)).toHaveLength(RACKS)
    expect(await problems(domain)).toEqual([])
    expect(await keyStatus(domain)).toMatchObject([
      { id: report.id, current: true, values: SEALED, columns: { 'racks.sealed_key': RACKS } },
      { id: first, current: false, values: 0, present: true },
    ])
    const { file } = await retireMasterKey(domain, first, REQUEST)
    expect(readdirSync(domain.config.keyDir)).toEqual(expect.arrayContaining([`${first}.retired`]))
    expect(file).toContain(first)
    await domain.close()
    expect(opened(await openDomain(folder))).toHaveLength(RACKS)
  })

  it('that was cut off between two batches leaves everything usable, and the next one ends it', async () => {
    const { domain, opened, first, folder } = await withRacks()
    const cut = rotateMasterKey(domain, REQUEST, (done) => {
      if (done > 50) throw new Error('cut off')
    })
    await expect(cut).rejects.toThrow('cut off')
    expect(opened(domain)).toHaveLength(RACKS)
    await domain.close()
    const again = await openDomain(folder)
    expect(opened(again)).toHaveLength(RACKS)
    expect(await problems(again)).toEqual([])
    await expect(retireMasterKey(again, first, REQUEST)).rejects.toThrow('values are sealed')
    const second = again.keyring.current.id
    const report = await rotateMasterKey(again, REQUEST)
    expect(report).toMatchObject({ id: second, continued: true, resealed: 71, unused: [first] })
    expect(again.keyring.ids()).toHaveLength(2)
  })

  it('needs every key that anything is sealed with: a start without one names it', async () => {
    const { domain, first, folder } = await withRacks()
    const cut = rotateMasterKey(domain, REQUEST, (done) => {
      if (done > 50) throw new Error('cut off')
    })
    await expect(cut).rejects.toThrow('cut off')
    await domain.close()
    const file = join(domain.config.keyDir, `${first}.key`)
    renameSync(file, `${file}.away`)
    await expect(openDomain(folder)).rejects.toThrow(first)
    renameSync(`${file}.away`, file)
    await openDomain(folder)
  })

  it('leaves what somebody else has changed as it is, and names it', async () => {
    const { domain, first } = await withRacks()
    await domain.store.transaction((tx) =>
      tx
        .updateTable('racks')
        .set({ pin: 'cd'.repeat(32) })
        .where('id', '=', 'rack-0007')
        .execute(),
    )
    const report = await rotateMasterKey(domain, REQUEST)
    expect(report.failed).toEqual(['racks/rack-0007'])
    expect(report.unused).toEqual([])
    const row = await domain.store.db
      .selectFrom('racks')
      .where('id', '=', 'rack-0007')
      .select('sealed_key')
      .executeTakeFirstOrThrow()
    expect(sealedWith(row.sealed_key)).toBe(first)
    expect(await problems(domain)).toEqual([
      { where: 'racks/rack-0007', problem: 'was changed by somebody else than a Console' },
    ])
  })

  it('keeps the key that seals, and one that it does not know, from being retired', async () => {
    const { domain, first } = await withRacks()
    await expect(retireMasterKey(domain, first, REQUEST)).rejects.toThrow('seals new values')
    const unknown = retireMasterKey(domain, '0'.repeat(16), REQUEST)
    await expect(unknown).rejects.toMatchObject({ code: 'not-found' })
  })

  it('uses a key that was made for it', async () => {
    const { domain, first } = await withRacks()
    createKey(domain.config.keyDir)
    const report = await rotateMasterKey(domain, REQUEST)
    expect(report.id).not.toBe(first)
    expect(domain.keyring.ids()).toHaveLength(2)
  })
})

describe.runIf(HAS_POSTGRES)('with two Consoles on one database', () => {
  it('nothing is sealed with a key that the other does not have; with it, both seal with it', async () => {
    const { url, folders, env } = await twoConsoles()
    const keyDir = join(testFolder(), 'keys')
    const [one, two] = [
      await openDomain(folders[0], { env }),
      await (async () => {
        copyKeys(env.KEY_DIR, keyDir)
        return openDomain(folders[1], { env: { DATABASE_URL: url, KEY_DIR: keyDir } })
      })(),
    ]
    const ada = await founder(one)
    await addSealedRacks(one, ada.organization.id, 3)
    const first = one.keyring.current.id
    const refused = await rotateMasterKey(one, REQUEST).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'conflict' })
    expect(String(refused)).toContain(folders[1])
    expect(one.keyring.current.id).toBe(first)
    const made = one.keyring.newest.id
    expect(made).not.toBe(first)
    copyKeys(env.KEY_DIR, keyDir)
    const report = await rotateMasterKey(one, REQUEST)
    expect(report).toMatchObject({ id: made, unused: [first], failed: [] })
    await expect.poll(() => two.keyring.current.id, { timeout: 20_000 }).toBe(made)
    await two.directory.refresh()
    const racks = two.directory.racksOf(entry(two, ada.id))
    expect(racks.map((rack) => openRackKey(two.keyring, rack).reveal().slice(0, 5))).toEqual([
      'cvxr_',
      'cvxr_',
      'cvxr_',
    ])
  })
})

function copyKeys(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 })
  for (const file of readdirSync(from)) {
    if (file.endsWith('.key')) copyFileSync(join(from, file), join(to, file))
  }
}
