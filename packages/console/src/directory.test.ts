import { hashApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { regenerateApiKey } from './api-keys/regenerate-api-key.ts'
import { EMPTY_SNAPSHOT } from './database/load-snapshot.ts'
import { createDirectory } from './directory.ts'
import {
  entry,
  founder,
  invited,
  openDomain,
  REQUEST,
  type TestDomain,
} from './testing/console-domain.ts'

/** A Rack row as adding one will write it. */
function addRack(domain: TestDomain, organizationId: string | null, name: string, local = false) {
  return domain.commit((tx) =>
    tx
      .insertInto('racks')
      .values({
        id: `id-${name}`,
        organization_id: organizationId,
        name,
        provider: 'aws',
        url: local ? null : `https://${name}.example.com`,
        pin: local ? null : 'ab'.repeat(32),
        remote_id: null,
        local_at: local ? 1 : null,
        sealed_key: 'sealed',
        key_version: 3,
        created_at: 1,
      })
      .execute(),
  )
}

describe('the directory', () => {
  it('shows a write from the moment its transaction resolves, and not one that failed', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const failed = domain.commit(async (tx) => {
      await tx.updateTable('accounts').set({ email: 'eve@example.com' }).execute()
      throw new Error('not this time')
    })
    await expect(failed).rejects.toThrow('not this time')
    expect(entry(domain, ada.id).email).toBe('ada@example.com')
    await domain.commit((tx) =>
      tx.updateTable('accounts').set({ email: 'countess@example.com' }).execute(),
    )
    expect(entry(domain, ada.id).email).toBe('countess@example.com')
  })

  it('rolls a write back whose snapshot cannot be loaded', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const broken = domain.commit(async (tx) => {
      await tx.updateTable('accounts').set({ email: 'eve@example.com' }).execute()
      await tx.schema.dropTable('memberships').execute()
    })
    await expect(broken).rejects.toThrow('memberships')
    await domain.directory.refresh()
    expect(entry(domain, ada.id).email).toBe('ada@example.com')
  })

  it('ends with the last write when many commit at once', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const bob = await invited(domain, ada, 'bob@example.com')
    const keys = await Promise.all(
      Array.from({ length: 12 }, (_, index) =>
        regenerateApiKey(domain, index % 2 === 0 ? ada.id : bob.id, REQUEST),
      ),
    )
    const stored = await domain.store.db.selectFrom('api_keys').select('hash').execute()
    const known = keys.filter(({ apiKey }) =>
      domain.directory.accountByApiKeyHash(hashApiKey(apiKey)),
    )
    expect(known.map(({ apiKey }) => hashApiKey(apiKey)).sort()).toEqual(
      stored.map(({ hash }) => hash).sort(),
    )
  })

  it('keeps the newer snapshot when an older one arrives late', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const directory = createDirectory(domain.store)
    await directory.refresh()
    directory.swap(EMPTY_SNAPSHOT, directory.version - 1)
    expect(directory.accountById(ada.id)?.email).toBe('ada@example.com')
  })

  it('lists Racks of the own organizations only, by organization and name', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    await domain.commit(async (tx) => {
      await tx
        .insertInto('organizations')
        .values({ id: 'other', name: 'aardvark', created_at: 1 })
        .execute()
    })
    await addRack(domain, ada.organization.id, 'staging')
    await addRack(domain, ada.organization.id, 'production')
    await addRack(domain, 'other', 'secret')
    await addRack(domain, null, 'orphan', true)
    const names = () =>
      domain.directory
        .racksOf(entry(domain, ada.id))
        .map((rack) => `${rack.organization.name}/${rack.name}`)
    expect(names()).toEqual(['acme/production', 'acme/staging'])
    await domain.commit((tx) =>
      tx
        .insertInto('memberships')
        .values({ organization_id: 'other', account_id: ada.id, role: 'viewer', created_at: 1 })
        .execute(),
    )
    expect(names()).toEqual(['aardvark/secret', 'acme/production', 'acme/staging'])
    expect(domain.directory.organizationByName('aardvark')?.id).toBe('other')
    expect(domain.directory.organizationByName('nowhere')).toBeUndefined()
  })

  it('says how a Rack is, as its supervisor found it', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    await addRack(domain, ada.organization.id, 'dev', true)
    const rack = () => domain.directory.racksOf(entry(domain, ada.id))[0]
    expect(rack()).toMatchObject({ status: 'unreachable', url: '', pin: '', keyVersion: 3 })
    domain.directory.setRackStatus('id-dev', 'running')
    expect(rack()?.status).toBe('running')
    await domain.directory.refresh()
    expect(rack()?.status).toBe('running')
  })

  it('is put together once for each actor until something is written, with statuses of now', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    await addRack(domain, ada.organization.id, 'live')
    const actor = entry(domain, ada.id)
    const { directory } = domain
    const racks = directory.racksOf(actor)
    expect(directory.racksOf(actor)).toBe(racks)
    expect(directory.organizationsOf(actor)).toBe(directory.organizationsOf(actor))
    directory.setRackStatus('id-live', 'failed')
    expect(racks.map(({ status }) => status)).toEqual(['failed'])
    await addRack(domain, ada.organization.id, 'more')
    // Who was authenticated before the write sees what is there now.
    expect(directory.racksOf(actor).map(({ name }) => name)).toEqual(['live', 'more'])
  })

  it('knows nothing of an added Rack before the first contact', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    await addRack(domain, ada.organization.id, 'live', false)
    const [rack] = domain.directory.racksOf(entry(domain, ada.id))
    expect(rack).toMatchObject({ status: 'unknown', local: false, managed: false, version: '' })
  })

  it('is whole again after a restart', async () => {
    const domain = await openDomain()
    const ada = await founder(domain)
    const before = entry(domain, ada.id)
    await domain.close()
    const again = await openDomain(domain.config.dataDir)
    expect(entry(again, ada.id)).toEqual(before)
    expect(again.directory.accountByApiKeyHash(hashApiKey(ada.apiKey))?.id).toBe(ada.id)
    expect(again.directory.accountByApiKeyHash('')).toBeUndefined()
  })
})
