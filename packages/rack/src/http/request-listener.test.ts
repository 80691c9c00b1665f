import { once } from 'node:events'
import { createServer, type IncomingMessage, request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { basicHeader, ROUTES } from '@keyrack/protocol'
import { Instances, System } from '@keyrack/protocol/resources'
import { hashApiKey, mintApiKey, Secret } from '@keyrack/secrets'
import { createHealth, KeyThrottle } from '@keyrack/server'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask } from '../testing/ask.ts'
import { collectLog } from '../testing/collect-log.ts'
import { openRackKeys } from '../testing/open-rack-keys.ts'
import { credential, exchange, openTls } from '../testing/raw-stream.ts'
import { shareTestRack, startTestRack } from '../testing/start-test-rack.ts'
import { waitUntil } from '../testing/wait-until.ts'
import { textAnswer } from './answer.ts'
import { createRequestListener } from './request-listener.ts'

const rack = shareTestRack()

describe('what a Rack answers to anybody', () => {
  it('is ok for load balancers', async () => {
    const said = await ask(rack().port, 'GET /check')
    expect(said).toMatchObject({ status: 200, body: 'ok\n' })
    expect(said.headers['request-id']).toMatch(/^[0-9a-f]{12}$/)
  })

  it('is whether it lives and is ready', async () => {
    expect((await ask(rack().port, 'GET /livez')).status).toBe(200)
    expect((await ask(rack().port, 'GET /readyz')).status).toBe(200)
  })

  it.each([
    'GET /',
    'GET /racks',
    'GET /nope',
    'GET /apps/',
    'POST /auth',
    'HEAD /auth',
    'GET /System',
    'DELETE /system',
    // Streams, asked for without an upgrade.
    'GET /instances/i-1/shell',
    'GET /system/logs',
  ])('is an empty 404 for %s, with a key and without', async (line) => {
    for (const asked of [{}, { key: rack().key }]) {
      const said = await ask(rack().port, line, asked)
      expect(said).toMatchObject({ status: 404, body: '' })
      expect(said.headers['content-type']).toBeUndefined()
    }
  })
})

describe('a page of another site', () => {
  it.each(['https://evil.example', 'null', 'http://localhost:1', ''])(
    'at %s gets nothing done with a key that the browser has kept',
    async (origin) => {
      const { port, key } = rack()
      const said = await ask(port, 'GET /instances', { key, headers: { origin } })
      expect(said.status).toBe(403)
      expect(said.body).not.toContain('i-')
    },
  )
})

describe('a request without the Rack API key', () => {
  it.each(['GET /auth', 'GET /system?', 'GET /instances', 'DELETE /instances/i-1', 'GET /apps'])(
    'is refused for %s, before anything else is said',
    async (line) => {
      for (const asked of [{}, { key: mintApiKey('rack') }, { key: Secret.of('') }]) {
        const said = await ask(rack().port, line, asked)
        expect(said.status).toBe(401)
        expect(said.headers['www-authenticate']).toMatch(/^Basic /)
        expect(JSON.parse(said.body)).toEqual({
          error: 'invalid authentication',
          code: 'unauthenticated',
          request_id: said.headers['request-id'],
        })
      }
    },
  )

  it('is refused with a body too, and the client gets to read the answer', async () => {
    const body = Buffer.alloc(900_000)
    const said = await ask(rack().port, 'POST /apps', { key: mintApiKey('rack'), body })
    expect(said.status).toBe(401)
  })

  it('waits after many different keys, while the valid key is served and one old key is a 401', async () => {
    const { port, key } = await startTestRack()
    const old = mintApiKey('rack')
    for (let attempt = 0; attempt < 40; attempt++) {
      expect((await ask(port, 'GET /auth', { key: old })).status).toBe(401)
    }
    for (let attempt = 0; attempt < 19; attempt++) {
      expect((await ask(port, 'GET /auth', { key: mintApiKey('rack') })).status).toBe(401)
    }
    const throttled = await ask(port, 'GET /auth', { key: mintApiKey('rack') })
    expect(throttled.status).toBe(429)
    expect(Number(throttled.headers['retry-after'])).toBeGreaterThan(500)
    expect(JSON.parse(throttled.body).code).toBe('throttled')
    expect((await ask(port, 'GET /auth', { key: old })).status).toBe(401)
    expect((await ask(port, 'GET /auth', { key })).status).toBe(200)
  })
})

describe('with the Rack API key', () => {
  it('GET /auth answers JSON with the id of the Rack', async () => {
    const said = await ask(rack().port, 'GET /auth?', { key: rack().key })
    expect(said.status).toBe(200)
    expect(said.body).toBe(`{\n  "id": "${rack().rackId}"\n}\n`)
    expect(said.headers['content-type']).toMatch(/^application\/json/)
  })

  it('the key may be percent-encoded, as official CLIs send it', async () => {
    const key = Secret.of('a/b:c@d e%f+and more of it')
    const other = await startTestRack({ key })
    for (const form of [key.reveal(), encodeURIComponent(key.reveal())]) {
      expect((await ask(other.port, 'GET /auth', { key: Secret.of(form) })).status).toBe(200)
    }
  })

  it('GET /system has the official names and hides the password', async () => {
    const said = await ask(rack().port, 'GET /system?', { key: rack().key })
    expect(JSON.parse(said.body)).toEqual({
      count: 3,
      domain: '127.0.0.1',
      name: 'dev',
      parameters: { InstanceCount: '3', Password: '****' },
      provider: 'local',
      'rack-domain': `127.0.0.1:${rack().port}`,
      region: 'local',
      status: 'running',
      type: 'local',
      version: expect.stringMatching(/^\d{14}$/),
    })
    const system = System.parse(JSON.parse(said.body))
    // Official CLIs choose their URLs by this comparison (protocol.md 8.1).
    expect(system.version > '20190111211123').toBe(true)
  })

  it('GET /instances lists three instances by id, with the official names', async () => {
    const said = await ask(rack().port, 'GET /instances', { key: rack().key })
    expect(said.body).toMatch(/^\[\n {2}\{\n {4}"agent"/)
    expect(said.body.endsWith(']\n')).toBe(true)
    const listed = JSON.parse(said.body) as Array<Record<string, unknown>>
    expect(listed).toHaveLength(3)
    for (const instance of listed) {
      expect(Object.keys(instance)).toEqual([
        ...['agent', 'cpu', 'id', 'memory', 'private-ip'],
        ...['processes', 'public-ip', 'started', 'status'],
      ])
      expect(instance.started).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
    }
    const ids = Instances.parse(listed).map(({ id }) => id)
    expect(ids).toEqual([...ids].sort())
  })

  it('DELETE /instances/{id} replaces the instance', async () => {
    const before = await rack().instanceIds()
    const said = await ask(rack().port, `DELETE /instances/${before[0]}`, { key: rack().key })
    expect(said).toMatchObject({ status: 200, body: '{\n  "success": true\n}\n' })
    const after = await rack().instanceIds()
    expect(after).toHaveLength(3)
    expect(after).not.toContain(before[0])
    expect(after).toEqual(expect.arrayContaining(before.slice(1)))
  })

  it('DELETE of an unknown instance is a 404 with a text', async () => {
    const said = await ask(rack().port, 'DELETE /instances/i-none', { key: rack().key })
    expect(said.status).toBe(404)
    expect(JSON.parse(said.body)).toMatchObject({ error: 'instance not found: i-none' })
  })

  const BUILT = [
    ...['check', 'auth', 'instances.list', 'instances.terminate', 'parameters.get'],
    ...['parameters.set', 'system.get', 'system.update', 'system.capacity', 'system.processes'],
    ...['system.metrics', 'system.releases'],
    ...['key.status', 'key.stage', 'key.unstage', 'key.retire'],
    ...['key.register', 'key.challenge', 'key.recover', 'system.token.create'],
    ...['system.token.rotate', 'system.token.list', 'system.token.revoke'],
  ]
  const missing = ROUTES.filter((route) => !route.socket && !BUILT.includes(route.name))
  it.each(missing.map((route) => [route.name, route] as const))(
    '%s is not built yet, and the answer says so',
    async (name, route) => {
      const path = route.path.replaceAll(/\{[^}]+\}/g, 'x')
      const said = await ask(rack().port, `${route.method} ${path}`, { key: rack().key })
      expect(said.status).toBe(501)
      if (route.method !== 'HEAD') {
        expect(JSON.parse(said.body)).toMatchObject({ code: 'not-implemented' })
        expect(said.body).toContain(name)
      }
    },
  )
})

describe('the request id', () => {
  it.each(['request-id', 'x-request-id'])('is the one that %s asks for', async (header) => {
    const headers = { [header]: 'console-4711.a_b' }
    const said = await ask(rack().port, 'GET /auth', { headers })
    expect(said.headers['request-id']).toBe('console-4711.a_b')
    expect(JSON.parse(said.body).request_id).toBe('console-4711.a_b')
  })

  it('is a new one when the given one could not be printed safely', async () => {
    const said = await ask(rack().port, 'GET /check', { headers: { 'request-id': 'a b"c' } })
    expect(said.headers['request-id']).toMatch(/^[0-9a-f]{12}$/)
  })
})

describe('bad requests', () => {
  it.each(['//system', '/apps/../system', '/%73ystem', '/apps/a%2Fb', '/apps/%zz', '/a\\b'])(
    'the path %s is a JSON 422',
    async (path) => {
      const said = await exchange(
        rack().port,
        `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      )
      expect(said).toMatch(/^HTTP\/1\.1 422 /)
      expect(said).toContain('"code":"invalid"')
    },
  )

  it('a key of a megabyte is a JSON 413 that says what a key looks like', async () => {
    const said = await exchange(
      rack().port,
      `GET /auth HTTP/1.1\r\nHost: x\r\nAuthorization: Basic ${'A'.repeat(1_000_000)}\r\n\r\n`,
    )
    expect(said).toMatch(/^HTTP\/1\.1 413 /)
    expect(said).toContain('"code":"too-large"')
    expect(said).toContain('a key has 44 characters')
  })

  it.each(['hello\r\n\r\n', '\u0000\u0001\u0002\r\n\r\n', 'GET / HTTP/1.1\r\nbad header\r\n\r\n'])(
    '%j instead of HTTP is a JSON error, and the Rack goes on',
    async (text) => {
      const said = await exchange(rack().port, text)
      expect(said).toMatch(/^HTTP\/1\.1 422 /)
      expect(said).toContain('"code":"invalid"')
      expect((await ask(rack().port, 'GET /check')).status).toBe(200)
    },
  )

  it('plain text on the TLS port closes that connection only', async () => {
    const socket = connect(rack().port, '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
    await once(socket, 'close')
    expect((await ask(rack().port, 'GET /check')).status).toBe(200)
  })

  it('a body of more than 1 MiB is a JSON 413', async () => {
    const body = Buffer.alloc(1024 * 1024 + 1)
    const said = await ask(rack().port, 'DELETE /instances/i-none', { key: rack().key, body })
    expect(said.status).toBe(413)
    expect(JSON.parse(said.body)).toMatchObject({ code: 'too-large' })
  })

  it('a smaller body that nobody needs is read and ignored', async () => {
    const body = Buffer.alloc(1024 * 1024)
    const said = await ask(rack().port, 'DELETE /instances/i-none', { key: rack().key, body })
    expect(said.status).toBe(404)
  })
})

describe('the log', () => {
  it('says 499 for a client that left, and does not call that an error', async () => {
    const id = 'log-test-0002'
    const socket = await openTls(rack().port)
    socket.write(
      `DELETE /instances/i-none HTTP/1.1\r\nHost: x\r\nRequest-Id: ${id}\r\n` +
        `Authorization: ${credential(rack().key).Authorization}\r\n` +
        'Expect: 100-continue\r\nContent-Length: 4\r\n\r\n',
    )
    await once(socket, 'data')
    socket.destroy()
    const logged = () => rack().lines.filter((line) => line.includes(id))
    await waitUntil(() => logged().length > 0)
    expect(logged().map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ level: 'info', route: 'instances.terminate', status: 499 }),
    ])
  })

  it('has one line for each request, with its id, route and status, and never a key', async () => {
    const id = 'log-test-0001'
    const wrong = mintApiKey('rack')
    const headers = { 'request-id': id }
    await ask(rack().port, `GET /instances?${wrong.reveal()}`, { key: wrong, headers })
    const lines = rack().lines.filter((line) => line.includes(id))
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      expect.objectContaining({ request_id: id, route: 'instances.list', status: 401 }),
    ])
    const everything = rack().lines.join('')
    for (const secret of [wrong, rack().key]) {
      expect(everything).not.toContain(secret.reveal())
      expect(everything).not.toContain(Buffer.from(`convox:${secret.reveal()}`).toString('base64'))
    }
  })
})

describe('a key that is retired while a body drips in', () => {
  it('CWE-367 is refused when the body is complete, and nothing has happened', async () => {
    const [next, { keys, key, idOf }] = [mintApiKey('rack'), await openRackKeys()]
    const roll = 'roll-while-it-drips'
    const hashes = { keep: hashApiKey(next), drop: hashApiKey(key) }
    const retire = async () => {
      await keys.stage(idOf(key) ?? '', { roll, hash: hashes.keep, copy: '' })
      await keys.retire(idOf(next) ?? '', { roll, ...hashes, notAfter: 0 })
    }
    let changes = 0
    const listener = createRequestListener({
      handlers: new Map([
        [
          'system.update',
          async () => {
            changes += 1
            return textAnswer('changed')
          },
        ],
      ]),
      authentication: { keys, tokens: { check: () => undefined }, throttle: new KeyThrottle() },
      health: createHealth({ database: () => {} }),
      log: collectLog().log,
    })
    const server = createServer(listener).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo

    const send = async (meanwhile: () => Promise<void>) => {
      const headers = { authorization: basicHeader(key).reveal(), 'content-length': '7' }
      const form = { 'content-type': 'application/x-www-form-urlencoded', expect: '100-continue' }
      const path = '/system'
      const asked = request({ port, path, method: 'PUT', headers: { ...headers, ...form } })
      asked.flushHeaders()
      // The head was read: the key is asked for the first time right behind this.
      await once(asked, 'continue')
      asked.write('Count')
      await meanwhile()
      asked.end('=4')
      const [answer] = (await once(asked, 'response')) as [IncomingMessage]
      answer.resume()
      return answer.statusCode
    }
    expect(await send(async () => {})).toBe(200)
    expect(await send(retire)).toBe(401)
    expect(changes).toBe(1)
  })
})
