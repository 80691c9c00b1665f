import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { basic, serveConsole, serveFounded, signInFounder } from './testing/serve-console.ts'

const HTML = { accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }
const SOCKET = ['Connection: Upgrade', 'Sec-WebSocket-Version: 13', 'Upgrade: websocket']

/** Everything a bare connection gets for some lines, until the other side ends it. */
async function raw(port: number, lines: readonly string[]): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write([...lines, '', ''].join('\r\n'))
  const answer = await text(socket)
  return answer
}

const handshake = (port: number, path: string, ...more: string[]) => [
  `GET ${path} HTTP/1.1`,
  `Host: localhost:${port}`,
  'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
  ...SOCKET,
  ...more,
]

describe('who answers', () => {
  it('with a key every path that is not the Console’s own goes to the Rack, pages too', async () => {
    const { ask, key } = await serveFounded()
    for (const path of ['/', '/account', '/system?', '/assets/x.css', '/sign-in']) {
      const answer = await ask(path, { key, headers: { rack: 'acme/dev', ...HTML } })
      expect([path, answer.status, answer.json]).toMatchObject([
        path,
        503,
        { code: 'rack-unreachable' },
      ])
    }
  })

  it('a cookie never authorises a call to a Rack', async () => {
    const { ask } = await serveFounded()
    const cookie = await signInFounder(ask)
    for (const path of ['/system', '/instances', '/apps']) {
      const answer = await ask(path, { cookie, headers: { rack: 'acme/dev' } })
      expect([path, answer.status]).toEqual([path, 401])
      expect(answer.json).toMatchObject({ code: 'unauthenticated' })
    }
    expect((await ask('/racks', { cookie })).status).toBe(401)
  })

  it('without any credential protocol paths are a 401 in JSON with a Basic challenge', async () => {
    const { ask } = await serveFounded()
    for (const path of ['/auth?', '/racks?', '/system?', '/no/such/thing']) {
      for (const headers of [{}, { accept: '*/*' }, { accept: 'application/json' }]) {
        const answer = await ask(path, { headers })
        expect(answer.status).toBe(401)
        expect(answer.json).toMatchObject({ code: 'unauthenticated' })
        expect(answer.headers['www-authenticate']).toMatch(/^Basic /)
      }
    }
  })

  it('only who lists text/html is sent to the sign-in form', async () => {
    const { ask } = await serveFounded()
    for (const path of ['/racks', '/auth', '/account', '/no/such/thing']) {
      const answer = await ask(path, { headers: HTML })
      expect([path, answer.status]).toEqual([path, 303])
      // Only a page that is there is come back to.
      const way = path === '/account' ? /^\/sign-in\?to=%2Faccount$/ : /^\/(sign-in)?$/
      expect(answer.headers.location).toMatch(way)
      expect(answer.headers['www-authenticate']).toBeUndefined()
    }
  })

  it('a wrong key is refused everywhere, whatever the cookie says', async () => {
    const { ask } = await serveFounded()
    const cookie = await signInFounder(ask)
    const key = mintApiKey('user').reveal()
    for (const path of ['/', '/account', '/auth', '/racks', '/api/account', '/system']) {
      expect([path, (await ask(path, { key, cookie, headers: HTML })).status]).toEqual([path, 401])
    }
  })

  it('health is answered to anybody, under any host name', async () => {
    const { ask } = await serveConsole()
    for (const path of ['/livez', '/readyz', '/check']) {
      const answer = await ask(path, { headers: { host: '10.0.0.7:3000' } })
      expect([path, answer.status, answer.text]).toEqual([path, 200, 'ok\n'])
    }
  })

  it('is not ready when its database is gone, and says nothing more', async () => {
    const { ask, domain } = await serveConsole()
    await domain.store.close()
    const answer = await ask('/readyz')
    expect([answer.status, answer.text]).toEqual([503, 'not ready\n'])
    expect((await ask('/livez')).status).toBe(200)
  })
})

describe('what is refused before anything is routed', () => {
  it('a host name that is not ours, for pages, API and protocol alike', async () => {
    const { ask, key } = await serveFounded()
    for (const path of ['/', '/api/account', '/racks', '/system']) {
      const answer = await ask(path, { key, headers: { host: 'rebound.example:3000' } })
      expect([path, answer.status]).toEqual([path, 403])
      expect(answer.text).toContain('ALLOWED_HOSTS')
    }
  })

  it('names from ALLOWED_HOSTS and PUBLIC_URL are ours', async () => {
    const { ask } = await serveConsole({
      ALLOWED_HOSTS: 'console.internal',
      PUBLIC_URL: 'https://keys.example.com',
    })
    for (const host of ['console.internal', 'keys.example.com']) {
      expect((await ask('/racks', { headers: { host } })).status).toBe(401)
    }
  })

  it('CWE-444 two host names, of which a proxy in front may have believed the other', async () => {
    const { port } = await serveConsole()
    const hosts = [`Host: localhost:${port}`, 'Host: rebound.example']
    const answer = await raw(port, ['GET / HTTP/1.1', ...hosts, 'Connection: close'])
    expect(answer).toContain('HTTP/1.1 403 ')
  })

  it.each(['//auth', '/racks/../auth', '/%61uth', '/racks%2facme', 'http://localhost/auth'])(
    'the path %s, which two programs could read differently',
    async (path) => {
      const { ask, key } = await serveFounded()
      const answer = await ask(path, { key })
      expect(answer.status).toBe(422)
      expect(answer.json).toMatchObject({ code: 'invalid', field: 'path' })
    },
  )

  it.each([{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }])(
    'a key that a browser sends along for a page of another site (%j)',
    async (headers) => {
      const { ask, key } = await serveFounded()
      for (const path of ['/racks', '/api/account', '/system']) {
        const answer = await ask(path, { key, headers: { ...headers, rack: 'acme/dev' } })
        expect([path, answer.status]).toEqual([path, 403])
      }
    },
  )
})

describe('WebSockets', () => {
  it.each(['/auth', '/racks', '/api/account'])('there is none at %s', async (path) => {
    const { port, key } = await serveFounded()
    const answer = await raw(port, handshake(port, path, `Authorization: ${basic(key)}`))
    expect(answer).toMatch(/^HTTP\/1\.1 404 /)
    expect(answer).toContain('no WebSocket at this path')
  })

  it('CWE-1385 are refused under a foreign host name and for a page of another site', async () => {
    const { port, key } = await serveFounded()
    const authorization = `Authorization: ${basic(key)}`
    const foreign = handshake(port, '/apps/web/logs', authorization, 'Origin: https://evil.example')
    expect(await raw(port, foreign)).toMatch(/^HTTP\/1\.1 403 /)
    const rebound = handshake(port, '/apps/web/logs', authorization).map((line) =>
      line.startsWith('Host:') ? 'Host: rebound.example' : line,
    )
    expect(await raw(port, rebound)).toMatch(/^HTTP\/1\.1 403 /)
  })

  it('are upgraded by the proxy and refused inside the stream, key or no key', async () => {
    const { port } = await serveFounded()
    const wrong = `Authorization: ${basic(mintApiKey('user').reveal())}`
    for (const more of [[wrong], []]) {
      const answer = await raw(port, handshake(port, '/apps/web/logs', ...more))
      expect(answer).toMatch(/^HTTP\/1\.1 101 /)
      expect(answer).toContain('ERROR: ')
    }
  })

  it('another protocol to upgrade to is a clear error', async () => {
    const { port, key } = await serveFounded()
    const lines = handshake(port, '/system', `Authorization: ${basic(key)}`)
    const answer = await raw(
      port,
      lines.map((line) => line.replace('websocket', 'h2c')),
    )
    expect(answer).toMatch(/^HTTP\/1\.1 422 /)
    expect(answer).toContain('websocket')
  })
})

describe('the request id', () => {
  it('of the caller is kept and given back, in the answer and in an error', async () => {
    const { ask, key } = await serveFounded()
    const headers = { 'x-request-id': 'caller-0001', rack: 'acme/dev' }
    for (const path of ['/racks', '/api/nothing']) {
      const answer = await ask(path, { key, headers })
      expect(answer.headers['x-request-id']).toBe('caller-0001')
    }
    expect((await ask('/system', { key, headers })).json).toMatchObject({
      request_id: 'caller-0001',
    })
  })

  it('is made when the caller’s is not fit to print', async () => {
    const { ask } = await serveConsole()
    const answer = await ask('/auth', { headers: { 'x-request-id': 'two words' } })
    expect(answer.headers['x-request-id']).toMatch(/^[0-9a-f]{12}$/)
  })
})
