import { verifyChain } from '@keyrack/protocol/audit'
import { hashApiKey, lastFour } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { founder, openDomain, REQUEST } from '../testing/console-domain.ts'
import { regenerateApiKey } from './regenerate-api-key.ts'

describe('regenerating an API key', () => {
  it('makes the new one work and the old one not, from the moment it resolves', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const made = await regenerateApiKey(domain, ada.id, REQUEST)
    expect(made.lastFour).toBe(lastFour(made.apiKey))
    expect(domain.directory.accountByApiKeyHash(hashApiKey(ada.apiKey))).toBeUndefined()
    expect(domain.directory.accountByApiKeyHash(hashApiKey(made.apiKey))?.id).toBe(ada.id)
  })

  it('leaves exactly one key, the last one, when many ask at once', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const made = await Promise.all(
      Array.from({ length: 8 }, () => regenerateApiKey(domain, ada.id, REQUEST)),
    )
    const working = made.filter(({ apiKey }) =>
      domain.directory.accountByApiKeyHash(hashApiKey(apiKey)),
    )
    expect(working).toHaveLength(1)
    const rows = await domain.store.db.selectFrom('api_keys').selectAll().execute()
    expect(rows.map(({ hash }) => hash)).toEqual(working.map(({ apiKey }) => hashApiKey(apiKey)))
  })

  it('is recorded with the change, or the change does not happen', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const broken = Object.create(domain.audit, {
      record: { value: () => Promise.reject(new Error('the disk is full')) },
    })
    await expect(regenerateApiKey({ ...domain, audit: broken }, ada.id, REQUEST)).rejects.toThrow(
      'the disk is full',
    )
    expect(domain.directory.accountByApiKeyHash(hashApiKey(ada.apiKey))?.id).toBe(ada.id)

    const made = await regenerateApiKey(domain, ada.id, REQUEST)
    const rows = await domain.store.db.selectFrom('audit').selectAll().orderBy('sequence').execute()
    expect(rows.slice(-2)).toMatchObject([
      { action: 'api-key.regenerate', phase: 'started', target: 'ada@example.com' },
      { action: 'api-key.regenerate', phase: 'finished', outcome: 'succeeded' },
    ])
    expect(verifyChain(rows)).toBeUndefined()
    expect(JSON.stringify([rows, domain.lines])).not.toContain(made.apiKey.reveal())
  })

  it('survives a restart: the new key is known, the old one is not', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const made = await regenerateApiKey(domain, ada.id, REQUEST)
    await domain.close()
    const again = await openDomain(domain.config.dataDir)
    expect(again.directory.accountByApiKeyHash(hashApiKey(made.apiKey))?.id).toBe(ada.id)
    expect(again.directory.accountByApiKeyHash(hashApiKey(ada.apiKey))).toBeUndefined()
  })

  it('of an account that is not there is not found', async () => {
    const domain = await openDomain()
    await expect(regenerateApiKey(domain, 'nobody', REQUEST)).rejects.toMatchObject({
      code: 'not-found',
    })
  })
})
