import { Secret } from '@keyrack/secrets'
import { describe, expect, it, onTestFinished } from 'vitest'
import { regenerateApiKey } from '../api-keys/regenerate-api-key.ts'
import { changeRole } from '../organizations/change-role.ts'
import { removeMember } from '../organizations/remove-member.ts'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { rolledConsole, shareRunningRack } from '../rack-rolls/testing/rolled-console.ts'
import { entry, invited, REQUEST } from '../testing/console-domain.ts'
import { eventually } from '../testing/eventually.ts'
import { TokenEndings } from './token-endings.ts'

const rack = shareRunningRack()
const PATH = '/api/racks/acme/live/access'

interface Made {
  id: string
  token: string
  host: string
}

async function served() {
  const console = await rolledConsole(rack())
  const { ask, key, domain } = console
  const endings = new TokenEndings({ ...domain, guard: createAddressGuard([]) })
  endings.start()
  onTestFinished(() => endings.stop())
  const mint = async (role = 'read'): Promise<Made> => {
    const answer = await ask(PATH, { key, body: { role, duration_in_hours: 1 } })
    expect([answer.status, answer.text]).toEqual([201, expect.any(String)])
    return answer.json as Made
  }
  const list = async (): Promise<Array<{ id: string; ending_since: number | null }>> =>
    ((await ask(PATH, { key })).json as { tokens: [] }).tokens
  return { ...console, endings, mint, list }
}

/** What the Rack itself says to a token. */
async function atTheRack(token: string, path = '/instances'): Promise<number> {
  const { createClient } = await import('@keyrack/protocol/client')
  const { url, fingerprint: pin } = rack()
  const client = createClient({
    ...{ url, pin, user: 'jwt', version: 'test' },
    password: Secret.of(token),
  })
  return (await client.request('GET', path, { anyStatus: true })).status
}

describe('access tokens through a Console', () => {
  it('work at the Rack itself, are listed with who made them, and are ended one by one', async () => {
    const { ask, key, mint, list, notes, domain } = await served()
    const [one, other] = [await mint('read'), await mint('write')]
    expect(one.host).toBe(rack().host)
    expect([await atTheRack(one.token), await atTheRack(other.token)]).toEqual([200, 200])
    const mine = (await list()).filter(({ id }) => [one.id, other.id].includes(id))
    expect(mine).toMatchObject([{ minter: 'ada@example.com' }, { minter: 'ada@example.com' }])
    expect((await ask(`${PATH}/${one.id}`, { method: 'DELETE', key })).status).toBe(204)
    expect([await atTheRack(one.token), await atTheRack(other.token)]).toEqual([401, 200])
    expect((await ask(`${PATH}/${one.id}`, { method: 'DELETE', key })).status).toBe(404)
    expect((await ask(`${PATH}/rotate`, { method: 'POST', key })).status).toBe(204)
    expect(await atTheRack(other.token)).toBe(401)
    expect(await list()).toEqual([])
    const rows = await domain.store.db.selectFrom('audit').selectAll().execute()
    const actions = rows.filter(({ phase }) => phase === 'finished').map(({ action }) => action)
    for (const action of ['rack.access.create', 'rack.access.revoke', 'rack.access.rotate']) {
      expect(actions).toContain(action)
    }
    const said = JSON.stringify([rows, domain.lines, await notes()])
    for (const { token } of [one, other]) expect(said).not.toContain(token.split('.')[2])
  })

  it('end with the key of their minter, who regenerates it', async () => {
    const { account, domain, mint } = await served()
    const { id, token } = await mint('write')
    await regenerateApiKey(domain, account.id, REQUEST)
    await eventually('the Rack refuses the token', async () => (await atTheRack(token)) === 401)
    await eventually('it is on record', async () => {
      const rows = await domain.store.db.selectFrom('audit').selectAll().execute()
      return rows.some((row) => row.note?.startsWith(`${id}: ada@example.com regenerated`))
    })
  })

  it('end when their minter leaves, or is an administrator no more', async () => {
    const { account, key, domain, mint, ask } = await served()
    const ada = { ...account, organization: { id: '', name: 'acme' } }
    const bob = await invited(domain, ada as never, 'bob@example.com', 'administrator')
    const demoted = await mint('read')
    const change = { organization: 'acme', member: account.id, role: 'viewer' } as const
    await changeRole(domain, entry(domain, bob.id), change, REQUEST)
    await eventually('refused', async () => (await atTheRack(demoted.token)) === 401)
    expect((await ask(PATH, { key })).status).toBe(403)
    const back = { ...change, role: 'administrator' } as const
    await changeRole(domain, entry(domain, bob.id), back, REQUEST)
    const left = await mint('read')
    const removal = { organization: 'acme', member: account.id }
    await removeMember(domain, entry(domain, account.id), removal, REQUEST)
    await eventually('refused', async () => (await atTheRack(left.token)) === 401)
  })

  it('are listed as to be ended while the Rack is down, and ended once it is back', async () => {
    const { account, domain, mint, endings, ask } = await served()
    const { id, token } = await mint('read')
    await rack().kill()
    const { apiKey } = await regenerateApiKey(domain, account.id, REQUEST)
    await endings.run()
    const { json } = await ask(PATH, { key: apiKey.reveal() })
    expect(json).toMatchObject({
      tokens: [{ id, ending_since: expect.any(Number) }],
      problem: expect.any(String),
    })
    await rack().restart()
    await endings.run()
    expect(await atTheRack(token)).toBe(401)
    expect(await ask(PATH, { key: apiKey.reveal() })).toMatchObject({
      json: { tokens: [], problem: null },
    })
  })

  it('are for administrators only, and asked for in a whole', async () => {
    const { ask, key, account, domain } = await served()
    const ada = { ...account, organization: { id: '', name: 'acme' } }
    const eve = await invited(domain, ada as never, 'eve@example.com', 'operator')
    for (const [method, path] of [
      ['GET', PATH],
      ['POST', `${PATH}/rotate`],
      ['DELETE', `${PATH}/abc`],
    ] as const) {
      expect((await ask(path, { method, key: eve.apiKey.reveal() })).status).toBe(403)
      expect((await ask(path, { method })).status).toBe(401)
    }
    const body = { role: 'read', duration_in_hours: 1 }
    expect((await ask(PATH, { key: eve.apiKey.reveal(), body })).status).toBe(403)
    for (const bad of [
      { ...body, role: 'admin' },
      { ...body, duration_in_hours: 0 },
      { ...body, duration_in_hours: 8761 },
      { ...body, duration_in_hours: 1.5 },
      { ...body, duration_in_hours: '1' },
      { role: 'read' },
      { ...body, more: true },
    ]) {
      expect([bad, (await ask(PATH, { key, body: bad })).status]).toEqual([bad, 422])
    }
    for (const path of ['/api/racks/acme/none/access', '/api/racks/other/live/access']) {
      expect((await ask(path, { key, body })).status).toBe(404)
    }
    const headers = { rack: 'acme/live' }
    const form = new URLSearchParams({ role: 'read', durationInHour: '1' })
    const proxied = await ask('/system/jwt/token', { key, headers, body: form })
    expect([proxied.status, proxied.text]).toEqual([403, expect.stringContaining('rack access')])
  })
})
