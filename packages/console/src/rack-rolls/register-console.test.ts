import { expect, it } from 'vitest'
import { serveFounded } from '../http/testing/serve-console.ts'
import { consoleIdentity } from './console-identity.ts'
import { rolledConsole, shareRunningRack } from './testing/rolled-console.ts'

const rack = shareRunningRack()

it('a Rack belongs to one Console: another one is told so, and takes it over only on purpose', async () => {
  const first = await rolledConsole(rack())
  const other = await serveFounded()
  const add = (more: Record<string, unknown>, key = first.held()) =>
    other.ask('/api/racks', {
      key: other.key,
      body: {
        organization: 'acme',
        name: 'mine',
        host: rack().host,
        fingerprint: rack().fingerprint,
        key: key.reveal(),
        ...more,
      },
    })
  const refused = await add({})
  expect([refused.status, refused.json]).toEqual([
    409,
    expect.objectContaining({
      field: 'take_over',
      error: expect.stringContaining('convox racks add --take-over'),
    }),
  ])
  expect((await other.ask('/racks', { key: other.key })).text).not.toContain('mine')
  const taken = await add({ take_over: true })
  expect([taken.status, taken.json]).toEqual([201, expect.objectContaining({ two_keys: true })])
})

it('one Rack has one row: the second is a conflict that names the first', async () => {
  const served = await rolledConsole(rack())
  const body = {
    organization: 'acme',
    name: 'again',
    host: rack().host,
    fingerprint: rack().fingerprint,
    key: served.held().reveal(),
  }
  const answer = await served.ask('/api/racks', { key: served.key, body })
  expect([answer.status, answer.json]).toEqual([
    409,
    expect.objectContaining({ error: expect.stringContaining('acme/live') }),
  ])
})

it('the signing key of a Console is made once, and sealed', async () => {
  const { domain } = await serveFounded()
  const [one, two] = await Promise.all([
    consoleIdentity(domain, domain.keyring),
    consoleIdentity(domain, domain.keyring),
  ])
  expect(two.id).toBe(one.id)
  expect(two.privateKey.reveal()).toBe(one.privateKey.reveal())
  const row = await domain.store.db
    .selectFrom('console_identity')
    .selectAll()
    .executeTakeFirstOrThrow()
  expect(row.sealed_private_key).toMatch(/^krs1\./)
  expect(JSON.stringify(row)).not.toContain(one.privateKey.reveal())
})
