import { hashApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { createDeployKey } from '../deploy-keys/create-deploy-key.ts'
import { listDeployKeys } from '../deploy-keys/list-deploy-keys.ts'
import { revokeDeployKey } from '../deploy-keys/revoke-deploy-key.ts'
import { viewAccount } from '../http/account-view.ts'
import { entry, founder, openDomain, REQUEST } from '../testing/console-domain.ts'
import { LastUses } from './last-uses.ts'

async function someKey() {
  const domain = await openDomain()
  const ada = await founder(domain)
  const hash = hashApiKey(ada.apiKey)
  const stored = () =>
    domain.store.db.selectFrom('key_uses').selectAll().orderBy('last_at').execute()
  const seen = async () => (await viewAccount(domain, entry(domain, ada.id))).apiKey.lastUse
  return { domain, ada, hash, stored, seen }
}

describe('the last use of a key', () => {
  it('is null until then; shown at once, and written later, at the latest when it stops', async () => {
    const { domain, hash, stored, seen } = await someKey()
    expect(await seen()).toBeNull()
    domain.uses.note(hash, '192.0.2.1', 'convox/1.2')
    expect(await seen()).toMatchObject({ address: '192.0.2.1', client: 'convox/1.2' })
    expect(await stored()).toEqual([])
    await domain.uses.stop()
    expect(await stored()).toMatchObject([{ address: '192.0.2.1', client: 'convox/1.2' }])
    expect(await seen()).toMatchObject({ address: '192.0.2.1', client: 'convox/1.2' })
  })

  it('is the latest, in whatever order several Consoles write', async () => {
    const { domain, hash, stored } = await someKey()
    for (const [at, address] of [
      [1000, 'a'],
      [3000, 'c'],
      [2000, 'b'],
    ] as const) {
      const uses = new LastUses({ ...domain, clock: () => at })
      uses.note(hash, address, undefined)
      await uses.stop()
    }
    expect(await stored()).toEqual([{ key_hash: hash, last_at: 3000, address: 'c', client: '' }])
  })

  it('keeps what a client calls itself printable and short', async () => {
    const { domain, hash, seen } = await someKey()
    domain.uses.note(hash, '192.0.2.1', `\u001b[31m\u0000é${'x'.repeat(5000)}`)
    const client = (await seen())?.client ?? ''
    expect(client).toMatch(/^[\x20-\x7e]{100}$/)
  })

  it('is kept for the next time when it cannot be written', async () => {
    const { domain, hash, stored } = await someKey()
    let broken = true
    const store = Object.create(domain.store, {
      transaction: {
        value: (work: Parameters<typeof domain.store.transaction>[0]) =>
          broken ? Promise.reject(new Error('the disk is full')) : domain.store.transaction(work),
      },
    })
    const uses = new LastUses({ ...domain, store })
    uses.note(hash, '192.0.2.1', 'convox')
    await uses.write()
    expect(domain.lines.join()).toContain('the disk is full')
    broken = false
    await uses.stop()
    expect(await stored()).toHaveLength(1)
  })

  it('of a deploy key is listed, and goes with the key', async () => {
    const { domain, ada, stored } = await someKey()
    const actor = entry(domain, ada.id)
    const input = { organization: 'acme', name: 'ci', expiresInDays: 1 }
    const made = await createDeployKey(domain, actor, input, REQUEST)
    expect(await listDeployKeys(domain, actor, 'acme')).toMatchObject([{ lastUse: null }])
    domain.uses.note(hashApiKey(made.key), '192.0.2.2', 'ci')
    await domain.uses.write()
    expect(await listDeployKeys(domain, actor, 'acme')).toMatchObject([
      { lastUse: { address: '192.0.2.2', client: 'ci' } },
    ])
    await revokeDeployKey(domain, actor, { organization: 'acme', id: made.id }, REQUEST)
    expect(await stored()).toEqual([])
    domain.uses.note(hashApiKey(made.key), '192.0.2.2', 'ci')
    await domain.uses.write()
    expect(await stored()).toEqual([])
  })
})
