import { once } from 'node:events'
import { request } from 'node:https'
import { describe, expect, it } from 'vitest'
import { basic } from '../http/testing/serve-console.ts'
import { invited, PASSWORD } from '../testing/console-domain.ts'
import { eventually } from '../testing/eventually.ts'
import { consoleAndRack, consoleWithRack } from './testing/added-rack.ts'
import { OFFICIAL_KEY, SYSTEM } from './testing/official-rack.ts'

type Served = Awaited<ReturnType<typeof consoleWithRack>>

const system = ({ ask, key }: Served, rack = 'acme/live') =>
  ask('/system', { key, headers: { rack } })

const events = ({ domain }: Served, action: string) =>
  domain.store.db
    .selectFrom('audit')
    .where('action', '=', action)
    .select(['phase', 'target', 'note', 'outcome'])
    .orderBy('sequence')
    .execute()

describe('renaming a Rack', () => {
  it('keeps its key, and both names are on record', async () => {
    const served = await consoleWithRack()
    const { ask, key } = served
    const body = { name: 'Production' }
    const answer = await ask('/api/racks/acme/live', { method: 'PATCH', key, body })
    expect([answer.status, answer.json]).toMatchObject([200, { name: 'production' }])
    expect((await system(served, 'acme/production')).json).toEqual(SYSTEM)
    expect((await system(served)).status).toBe(404)
    const recorded = { target: 'acme/live', note: 'now acme/production', outcome: 'succeeded' }
    expect((await events(served, 'rack.rename')).at(-1)).toMatchObject(recorded)
  })

  it('the one that this server runs itself goes on running', async () => {
    const served = await consoleWithRack()
    const body = { name: 'here' }
    const options = { method: 'PATCH', key: served.key, body }
    expect((await served.ask('/api/racks/acme/dev', options)).status).toBe(200)
    expect((await served.ask('/racks', { key: served.key })).json).toMatchObject([
      { name: 'here' },
      { name: 'live' },
    ])
  })

  it.each([
    ['dev', 409],
    ['', 422],
    ['a b', 422],
    ['x'.repeat(64), 422],
    [7, 422],
  ])('to %j changes nothing', async (name, status) => {
    const served = await consoleWithRack()
    const options = { method: 'PATCH', key: served.key, body: { name } }
    const answer = await served.ask('/api/racks/acme/live', options)
    expect([answer.status, answer.json]).toMatchObject([status, { field: 'name' }])
    expect((await system(served)).status).toBe(200)
  })

  it('is done once when two do it at once', async () => {
    const served = await consoleWithRack()
    const rename = (name: string) =>
      served.ask('/api/racks/acme/live', { method: 'PATCH', key: served.key, body: { name } })
    const statuses = (await Promise.all([rename('one'), rename('two')])).map((one) => one.status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(1)
    expect(Math.max(...statuses)).toBeLessThan(500)
    expect(await events(served, 'rack.rename')).toHaveLength(2)
  })
})

describe('removing a Rack', () => {
  it('ends what is under way, forgets the sealed key, and is on record', async () => {
    const served = await consoleWithRack()
    const { ask, key, rack, domain, tlsPort } = served
    rack.handler = (_, response) => void response.write('first line\n')
    const stream = request({
      ...{ host: '127.0.0.1', port: tlsPort, path: '/apps/web/logs', rejectUnauthorized: false },
      headers: { host: `localhost:${tlsPort}`, authorization: basic(key), rack: 'acme/live' },
    })
    stream.end()
    const [answer] = await once(stream, 'response')
    await once(answer, 'data')
    const cut = new Promise((resolve) => answer.on('error', () => {}).once('close', resolve))
    expect((await ask('/api/racks/acme/live', { method: 'DELETE', key })).status).toBe(204)
    await cut
    expect(answer.complete).toBe(false)

    expect((await system(served)).status).toBe(404)
    const left = await domain.store.db.selectFrom('racks').select('name').execute()
    expect(left).toEqual([{ name: 'dev' }])
    const recorded = { target: 'acme/live', note: `https://${rack.host}`, outcome: 'succeeded' }
    expect((await events(served, 'rack.remove')).at(-1)).toMatchObject(recorded)
    expect((await ask('/api/racks/acme/live', { method: 'DELETE', key })).status).toBe(404)
  })

  it('and adding it again gives a working Rack', async () => {
    const served = await consoleWithRack()
    await system(served)
    await served.ask('/api/racks/acme/live', { method: 'DELETE', key: served.key })
    expect((await served.add()).status).toBe(201)
    expect((await system(served)).json).toEqual(SYSTEM)
  })

  it('is not for the Rack that this server runs itself', async () => {
    const { ask, key } = await consoleAndRack()
    const answer = await ask('/api/racks/acme/dev', { method: 'DELETE', key })
    expect([answer.status, answer.json]).toMatchObject([409, { code: 'conflict' }])
  })
})

describe('the status of an added Rack', () => {
  it('is what the last contact showed, and unknown after a restart', async () => {
    const served = await consoleWithRack()
    const status = async () => {
      const [, live] = (await served.ask('/racks', { key: served.key })).json as {
        status: string
      }[]
      return live?.status
    }
    expect(await status()).toBe('running')
    served.rack.handler = (_, response) => response.writeHead(401).end()
    expect((await system(served)).status).toBe(502)
    expect(await status()).toBe('failed')
    served.rack.handler = undefined
    await system(served)
    expect(await status()).toBe('running')
    await served.rack.stop()
    await eventually('the Rack is gone', async () => (await system(served)).status === 503)
    expect(await status()).toBe('unreachable')
  })
})

describe('a Rack that shows another certificate', () => {
  const trust = ({ ask, key }: Served, fingerprint: string, password = PASSWORD) =>
    ask('/api/racks/acme/live/trust', { key, body: { fingerprint, password } })

  it('is refused until that one is trusted, and gets no key before', async () => {
    const served = await consoleWithRack()
    const fingerprint = await served.rack.newCertificate()
    const asked = served.rack.asked.length
    expect((await system(served)).json).toMatchObject({ code: 'rack-refused' })
    expect(served.rack.asked).toHaveLength(asked)
    const answer = await trust(served, fingerprint)
    expect([answer.status, answer.json]).toMatchObject([200, { fingerprint, status: 'running' }])
    expect((await system(served)).json).toEqual(SYSTEM)
    expect(served.rack.asked.at(-1)?.password).toBe(OFFICIAL_KEY)
    const note = `certificate ${fingerprint} instead of ${served.rack.fingerprint}`
    expect((await events(served, 'rack.trust')).at(-1)).toMatchObject({ note })
    expect((await events(served, 'account.sign-in')).length).toBe(0)
  })

  it('is trusted with a warning when the Rack shows its key', async () => {
    const served = await consoleWithRack()
    const fingerprint = await served.rack.newCertificate()
    served.rack.handler = ({ path }, response) => {
      const shown = { ...SYSTEM, parameters: { password: OFFICIAL_KEY } }
      response.end(path === '/auth' ? 'ok' : JSON.stringify(shown))
    }
    const answer = await trust(served, fingerprint)
    expect([answer.status, answer.json]).toMatchObject([200, { warning: expect.any(String) }])
  })

  it('is not trusted without the password, and guessing it is slowed down', async () => {
    const served = await consoleWithRack()
    const fingerprint = await served.rack.newCertificate()
    const asked = served.rack.asked.length
    for (const password of ['wrong', '', 'guess', served.key, 'x'.repeat(10_000), `${PASSWORD} `]) {
      const answer = await trust(served, fingerprint, password)
      expect(answer.json).toMatchObject({ code: 'invalid', field: 'password' })
    }
    expect((await trust(served, fingerprint)).json).toMatchObject({ code: 'throttled' })
    expect(served.rack.asked).toHaveLength(asked)
    expect((await system(served)).status).toBe(502)
    expect(served.domain.lines.join('')).not.toContain(PASSWORD)
  })

  it('is not trusted by a fingerprint that it does not show, nor when it refuses the key', async () => {
    const served = await consoleWithRack()
    const fingerprint = await served.rack.newCertificate()
    expect((await trust(served, 'cd'.repeat(32))).json).toMatchObject({ field: 'fingerprint' })
    expect((await trust(served, 'abc')).json).toMatchObject({ field: 'fingerprint' })
    served.rack.handler = (_, response) => response.writeHead(401).end()
    expect((await trust(served, fingerprint)).json).toMatchObject({ field: 'key' })
    served.rack.handler = ({ path }, response) =>
      response.end(JSON.stringify(path === '/auth' ? { id: 'another' } : SYSTEM))
    expect((await trust(served, fingerprint)).json).toMatchObject({ code: 'conflict' })
    served.rack.handler = undefined
    expect((await system(served)).status).toBe(502)
    expect(await events(served, 'rack.trust')).toEqual([])
  })

  it('is trusted by administrators only', async () => {
    const served = await consoleWithRack()
    const fingerprint = await served.rack.newCertificate()
    const { domain, account, ask } = served
    for (const [role, status] of [
      ['operator', 403],
      ['viewer', 403],
    ] as const) {
      const other = await invited(domain, account, `${role}@example.com`, role)
      const body = { fingerprint, password: PASSWORD }
      const key = other.apiKey.reveal()
      expect((await ask('/api/racks/acme/live/trust', { key, body })).status).toBe(status)
      const rename = { method: 'PATCH', key, body: { name: 'mine' } }
      expect((await ask('/api/racks/acme/live', rename)).status).toBe(status)
      expect((await ask('/api/racks/acme/live', { method: 'DELETE', key })).status).toBe(status)
    }
  })

  it('is not asked for the Rack that this server runs itself', async () => {
    const { ask, key } = await consoleAndRack()
    const body = { fingerprint: 'ab'.repeat(32), password: PASSWORD }
    expect((await ask('/api/racks/acme/dev/trust', { key, body })).status).toBe(409)
  })
})
