import type { IncomingMessage } from 'node:http'
import { mintApiKey } from '@keyrack/secrets'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProxiedRack, type RackBehaviour, startProxiedRack } from './testing/proxied-rack.ts'
import { rawRequest } from './testing/raw-request.ts'

let proxied: ProxiedRack | undefined
let seen: IncomingMessage[] = []

async function start(behaviour: RackBehaviour = {}): Promise<ProxiedRack> {
  seen = []
  proxied = await startProxiedRack({
    request: (request, answer) => {
      seen.push(request)
      answer.setHeader('Content-Type', 'application/json')
      answer.end('[]\n')
    },
    ...behaviour,
  })
  return proxied
}

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
})

describe('a person with a key reaches the Rack', () => {
  it('with the Rack key in place of their own, which goes no further', async () => {
    const { port, authorization, rackKey, userKey } = await start()
    const answer = await rawRequest(port, [
      'GET /instances? HTTP/1.1',
      'Host: localhost',
      `Authorization: ${authorization}`,
      'Rack: acme/dev',
      'Session: abc',
      'Cookie: __Host-session=abc',
      'Origin: https://elsewhere.example',
      'Convox-Actor: root',
      'X-Convox-Actor: root',
      'X-Forwarded-For: 10.0.0.1',
      'Forwarded: for=10.0.0.1',
      'Accept: application/json',
    ])
    expect(answer.status).toBe(200)
    expect(answer.body).toBe('[]\n')
    expect(seen).toHaveLength(1)
    const [request] = seen
    expect(request?.url).toBe('/instances')
    expect(request?.headers.authorization).toBe(`Basic ${btoa(`convox:${rackKey.reveal()}`)}`)
    expect(request?.rawHeaders.join('\n')).not.toContain(userKey.reveal())
    expect(Object.keys(request?.headers ?? {}).sort()).toEqual([
      'accept',
      'authorization',
      'connection',
      'host',
      'request-id',
    ])
  })

  it('also when the key was percent-encoded or pasted with a line break', async () => {
    const { port, userKey } = await start()
    for (const spelled of [
      userKey.reveal().replace('_', '%5F'),
      `${userKey.reveal()}\n`,
      ` ${userKey.reveal()} `,
    ]) {
      const answer = await rawRequest(port, [
        'GET /instances HTTP/1.1',
        'Host: localhost',
        `Authorization: Basic ${btoa(`convox:${spelled}`)}`,
        'Rack: acme/dev',
      ])
      expect(answer.status, JSON.stringify(spelled)).toBe(200)
    }
  })

  it('by a bare or partial name of the Rack', async () => {
    const { port, authorization } = await start()
    for (const name of ['acme/dev', 'dev', 'cme/de', ' acme/dev ']) {
      const head = ['GET /instances HTTP/1.1', 'Host: localhost', `Authorization: ${authorization}`]
      const answer = await rawRequest(port, [...head, `Rack: ${name}`])
      expect(answer.status, name).toBe(200)
    }
  })
})

describe('nothing reaches the Rack', () => {
  const cases: Array<[string, (running: ProxiedRack) => string[], number, string]> = [
    ['without a key', () => ['Rack: acme/dev'], 401, 'invalid authentication'],
    [
      'with a key that is not known',
      () => [`Authorization: Basic ${btoa(`convox:${mintApiKey('user').reveal()}`)}`, 'Rack: dev'],
      401,
      'regenerated',
    ],
    [
      'with a key that was cut',
      ({ userKey }) => [
        `Authorization: Basic ${btoa(`convox:${userKey.reveal().slice(0, -1)}`)}`,
        'Rack: dev',
      ],
      401,
      'checksum',
    ],
    [
      'with the key of the Rack itself',
      ({ rackKey }) => [`Authorization: Basic ${btoa(`convox:${rackKey.reveal()}`)}`, 'Rack: dev'],
      401,
      'another kind',
    ],
    [
      'with a session cookie instead of a key',
      () => ['Cookie: __Host-session=abc', 'Rack: acme/dev'],
      401,
      'invalid authentication',
    ],
    ['without a Rack', ({ authorization }) => [`Authorization: ${authorization}`], 422, 'no Rack'],
    [
      'for the name of a Rack that is not theirs',
      ({ authorization }) => [`Authorization: ${authorization}`, 'Rack: other/prod'],
      404,
      'could not find rack: other/prod',
    ],
    [
      'with two Rack headers',
      ({ authorization }) => [`Authorization: ${authorization}`, 'Rack: acme/dev', 'Rack: x/y'],
      422,
      'twice',
    ],
    [
      'with two Authorization headers',
      ({ authorization }) => [
        `Authorization: ${authorization}`,
        `Authorization: ${authorization}`,
        'Rack: acme/dev',
      ],
      422,
      'twice',
    ],
  ]
  for (const [name, headers, status, text] of cases) {
    it(name, async () => {
      const running = await start()
      const answer = await rawRequest(running.port, [
        'GET /instances HTTP/1.1',
        'Host: localhost',
        ...headers(running),
      ])
      expect(answer.status).toBe(status)
      expect(JSON.parse(answer.body).error).toContain(text)
      expect(JSON.parse(answer.body).request_id).toBe('request-0001')
      expect(answer.body).not.toContain(running.userKey.reveal())
      expect(seen).toHaveLength(0)
    })
  }

  it('when the path has a second spelling', async () => {
    const { port, authorization } = await start()
    for (const path of [
      '//instances',
      '/apps/../instances',
      '/%69nstances',
      '/apps/a%2Fb',
      '/a//b',
    ]) {
      const head = [`GET ${path} HTTP/1.1`, 'Host: localhost', `Authorization: ${authorization}`]
      const answer = await rawRequest(port, [...head, 'Rack: acme/dev'])
      expect(answer.status, path).toBe(422)
    }
    expect(seen).toHaveLength(0)
  })
})

describe("a Rack's refusal", () => {
  it('of its key is a 502, never a 401 that would make the client drop its own key', async () => {
    const { port, authorization } = await start({
      request: (_request, answer) => {
        answer.writeHead(401, { 'WWW-Authenticate': 'Basic realm="rack"' }).end('invalid\n')
      },
    })
    const head = ['GET /instances HTTP/1.1', 'Host: localhost', `Authorization: ${authorization}`]
    const answer = await rawRequest(port, [...head, 'Rack: acme/dev'])
    expect(answer.status).toBe(502)
    expect(answer.headers.has('www-authenticate')).toBe(false)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'rack-refused' })
    expect(answer.body).toContain('acme/dev refused the key')
    expect(answer.body).toContain('convox rack key set acme/dev')
  })

  it('CWE-601 by redirect is a 502: nothing follows it', async () => {
    const { port, authorization } = await start({
      request: (_request, answer) => {
        answer.writeHead(307, { Location: 'https://elsewhere.example/' }).end()
      },
    })
    const head = ['GET /instances HTTP/1.1', 'Host: localhost', `Authorization: ${authorization}`]
    const answer = await rawRequest(port, [...head, 'Rack: acme/dev'])
    expect(answer.status).toBe(502)
    expect(answer.headers.has('location')).toBe(false)
  })

  it('with another certificate than the pinned one is a 502, and no request was sent', async () => {
    const { port, authorization } = await start({ entry: { pin: '0'.repeat(64) } })
    const head = ['GET /instances HTTP/1.1', 'Host: localhost', `Authorization: ${authorization}`]
    const answer = await rawRequest(port, [...head, 'Rack: acme/dev'])
    expect(answer.status).toBe(502)
    expect(JSON.parse(answer.body).error).toContain('another certificate')
    expect(seen).toHaveLength(0)
  })

  it('to answer at all is a 503 that names it', async () => {
    const { port, authorization } = await start({ entry: { url: 'https://127.0.0.1:1' } })
    const head = ['GET /instances HTTP/1.1', 'Host: localhost', `Authorization: ${authorization}`]
    const answer = await rawRequest(port, [...head, 'Rack: acme/dev'])
    expect(answer.status).toBe(503)
    expect(JSON.parse(answer.body)).toMatchObject({ code: 'rack-unreachable' })
    expect(answer.body).toContain('acme/dev cannot be reached')
  })
})
