import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { PASSWORD } from '../testing/console-domain.ts'
import { cookieOf, type ServedConsole, serveFounded } from './testing/serve-console.ts'

interface Line {
  msg?: string
  route?: string
  status?: number
  actor?: string | null
  ms?: number
  request_id?: string
}

/** The access lines once there are as many as requests: they are written when an answer has ended. */
async function accessLines({ domain }: ServedConsole, count: number): Promise<Line[]> {
  const read = () =>
    domain.lines.map((line): Line => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  for (let turn = 0; read().length < count && turn < 10_000; turn += 1) {
    await new Promise((resolve) => setImmediate(resolve))
  }
  return read()
}

describe('the access log', () => {
  it('is one line per request with the route’s name, never what was asked for', async () => {
    const served = await serveFounded()
    const { ask, key, account } = served
    await ask('/racks/acme/dev?token=hidden-1', { key, headers: { 'x-request-id': 'request-1' } })
    await ask('/system?password=hidden-2', { key, headers: { rack: 'acme/dev' } })
    await ask('/hidden-3/account')
    await ask('/auth')
    const lines = await accessLines(served, 4)
    expect(lines.map(({ route, status, actor }) => ({ route, status, actor }))).toEqual([
      { route: 'get.racks.organization.rack', status: 200, actor: account.id },
      { route: 'system.get', status: 503, actor: account.id },
      { route: 'unmatched', status: 401, actor: null },
      { route: 'get.auth', status: 401, actor: null },
    ])
    expect(lines[0]).toMatchObject({ request_id: 'request-1', ms: expect.any(Number) })
    expect(served.domain.lines.join('')).not.toContain('hidden')
  })

  it('holds no secret of a sign-up, a sign-in or a new key', async () => {
    const served = await serveFounded()
    const { ask, key } = served
    const signedIn = await ask('/api/sign-in', {
      body: { email: 'ada@example.com', password: PASSWORD },
    })
    const cookie = cookieOf(signedIn)
    const fresh = await ask('/api/account/api-key', { method: 'POST', key })
    const { api_key: newKey } = fresh.json as { api_key: string }
    const invitation = await ask('/api/invitations', { key: newKey, body: {} })
    const { token } = invitation.json as { token: string }
    const body = new URLSearchParams({ email: 'ada@example.com', password: 'wrong-horse-battery' })
    await ask('/sign-in', { body, headers: { 'sec-fetch-site': 'same-origin' } })
    await accessLines(served, 4)
    const written = served.domain.lines.join('')
    for (const secret of [
      PASSWORD,
      'wrong-horse',
      key,
      newKey,
      token,
      cookie.split('=')[1] ?? '',
    ]) {
      expect(secret.length).toBeGreaterThan(8)
      expect(written).not.toContain(secret)
    }
  })

  it('has a line for each of several requests on a connection, also when their turn never comes', async () => {
    const served = await serveFounded()
    const { domain, port } = served
    let release = () => {}
    let held: Promise<void> = Promise.resolve()
    // The first one waits for this, and the others for it.
    await new Promise<void>((begun) => {
      held = domain.store.transaction(() => {
        begun()
        return new Promise<void>((end) => {
          release = end
        })
      })
    })
    const body = JSON.stringify({ email: 'ada@example.com', password: PASSWORD })
    const host = `Host: localhost:${port}\r\n`
    const client = connect(port, '127.0.0.1')
    client.on('error', () => {})
    client.end(
      `POST /api/sign-in HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}` +
        `GET /auth HTTP/1.1\r\n${host}\r\n`.repeat(20),
    )
    await once(client, 'close')
    release()
    await held
    const lines = await accessLines(served, 21)
    expect(lines.map(({ status }) => status)).toEqual(Array(21).fill(499))
  })

  it('has a line for a WebSocket too, with the status it was refused with', async () => {
    const served = await serveFounded()
    const headers = { connection: 'upgrade', upgrade: 'websocket' }
    await served.ask('/racks', { key: served.key, headers })
    await served.ask('/', { headers: { accept: 'text/html' } })
    const lines = await accessLines(served, 2)
    expect(lines.map(({ route, status }) => [route, status])).toEqual([
      ['unmatched', 404],
      ['get.start', 200],
    ])
  })

  it('feeds the metrics with the same names', async () => {
    const served = await serveFounded()
    await served.ask('/racks', { key: served.key })
    await served.ask('/no/such/thing')
    await accessLines(served, 2)
    const metrics = await served.domain.metrics.text()
    expect(metrics).toMatch(/http_requests_total\{[^}]*route="get\.racks"[^}]*\} 1/)
    expect(metrics).toMatch(/http_requests_total\{[^}]*route="unmatched"[^}]*\} 1/)
    expect(metrics).not.toContain('/no/such')
  })

  it('has the reason of a 5xx, which the answer has not', async () => {
    const served = await serveFounded()
    const { ask, key, domain } = served
    await domain.store.close()
    const answer = await ask('/api/account', { key })
    expect(answer.status).toBe(500)
    expect(answer.json).toMatchObject({ code: 'internal' })
    expect(answer.text).not.toMatch(/sqlite|closed|store|at /i)
    await accessLines(served, 1)
    expect(domain.lines.join('')).toContain('request failed')
  })
})
