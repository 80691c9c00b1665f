import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { Secret } from '@keyrack/secrets/secret'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { KeyrackError } from '../errors.ts'
import { readAll } from '../stream-pair.fixture.ts'
import { createClient } from './client.ts'
import { connectPinned, peerCertificate } from './connect.ts'
import { type ConnectProxy, openConnectProxy } from './connect-proxy.fixture.ts'
import type { HttpProxy } from './open-tunnel.ts'
import { fingerprintsOf } from './pin.ts'
import { openStreamServer } from './stream-server.fixture.ts'
import { makeCertificate, openServer, type TestCertificate } from './tls-server.fixture.ts'

/** A name that exists nowhere: whoever gets there went through the proxy. */
const HOST = 'rack.invalid'
const KEY = Secret.of('a-key-that-nobody-may-see')

let rack: TestCertificate
let other: TestCertificate

beforeAll(async () => {
  rack = await makeCertificate()
  other = await makeCertificate()
})

const pinOf = (one: TestCertificate) =>
  fingerprintsOf(new X509Certificate(one.cert).raw).certificate
const through = ({ port }: { port: number }): HttpProxy => ({ host: '127.0.0.1', port, tls: false })

async function failure(promise: Promise<unknown>): Promise<KeyrackError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof KeyrackError)) throw new TypeError(`not as it should: ${error}`)
  expect(`${error.message} ${error.hint}`).not.toContain('%')
  return error
}

/** A Rack behind a proxy: requests are answered, streams are echoed. */
async function behindProxy(): Promise<ConnectProxy> {
  const server = await openStreamServer(rack, (stream) => stream.pipe(stream), 'Request-Id: r-1')
  const proxy = await openConnectProxy({
    route: (target) => (target === `${HOST}:443` ? server.port : undefined),
  })
  onTestFinished(async () => {
    await proxy[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return proxy
}

describe('a client behind a proxy', () => {
  it('asks through it, with a name that only the proxy resolves, and hides the key from it', async () => {
    const proxy = await behindProxy()
    const seen: unknown[] = []
    const client = createClient({
      url: `https://${HOST}`,
      pin: pinOf(rack),
      password: KEY,
      version: '1',
      proxy: through(proxy),
      see: ({ ms, ...rest }) => seen.push({ ...rest, ms: typeof ms }),
    })
    expect((await client.request('GET', '/system')).status).toBe(200)
    expect(proxy.asked).toEqual([{ target: `${HOST}:443`, authorization: undefined }])
    expect(proxy.passed()).not.toContain('system')
    expect(proxy.passed()).not.toContain(basicOf(KEY))
    const url = `https://${HOST}/system`
    expect(seen).toEqual([{ method: 'GET', url, status: 200, requestId: 'r-1', ms: 'number' }])
  })

  it('has streams through it, both ways', async () => {
    const proxy = await behindProxy()
    const options = { url: `https://${HOST}`, pin: pinOf(rack), version: '1' }
    const client = createClient({ ...options, proxy: through(proxy) })
    const stream = await client.stream('/instances/i/shell', {})
    const sent = Buffer.from(Array.from({ length: 300_000 }, (_, at) => at & 0xff))
    stream.end(sent)
    expect((await readAll(stream)).equals(sent)).toBe(true)
    expect(proxy.asked).toHaveLength(1)
  })

  it('still talks only to the certificate that is pinned: a proxy cannot put itself in between', async () => {
    await using between = await openServer(other)
    await using proxy = await openConnectProxy({ route: () => between.port })
    const options = { url: `https://${HOST}`, password: KEY, version: '1', proxy: through(proxy) }
    const pinned = createClient({ ...options, pin: pinOf(rack) })
    expect((await failure(pinned.request('GET', '/auth'))).code).toBe('rack-refused')
    expect((await failure(pinned.stream('/x', {}))).code).toBe('rack-refused')
    // Without a pin a CA must vouch for the name of the host, not for the proxy.
    expect((await failure(createClient(options).request('GET', '/auth'))).code).toBe('rack-refused')
    expect(between.received()).toBe('')
    await expect.poll(() => proxy.open()).toBe(0)
  })

  it('sees the certificate of the host, not one of the proxy', async () => {
    const proxy = await behindProxy()
    const { fingerprint } = await peerCertificate(`https://${HOST}`, { proxy: through(proxy) })
    expect(fingerprint).toBe(pinOf(rack))
  })

  it('tells the proxy who it is, and nobody what the password is', async () => {
    await using server = await openServer(rack)
    const options = { route: () => server.port, login: 'ann:p@ss wörd' }
    await using proxy = await openConnectProxy(options)
    const login = { user: 'ann', password: Secret.of('p@ss wörd') }
    const target = { host: HOST, port: 443, pin: pinOf(rack) }
    const socket = await connectPinned({ ...target, proxy: { ...through(proxy), login } })
    socket.destroy()
    expect(proxy.asked).toHaveLength(1)

    const wrong = { user: 'ann', password: Secret.of('not-that-one') }
    const refused = await failure(
      connectPinned({ ...target, proxy: { ...through(proxy), login: wrong } }),
    )
    expect(refused.message).toContain('does not accept the user and the password in HTTPS_PROXY')
    expect(JSON.stringify([refused, refused.message, refused.hint])).not.toContain('not-that-one')
    const unknown = await failure(connectPinned({ ...target, proxy: through(proxy) }))
    expect(unknown.message).toBe(`the proxy 127.0.0.1:${proxy.port} wants to know who you are`)
    expect(unknown.hint).toContain('HTTPS_PROXY=http://USER:PASSWORD@')
  })

  it('speaks TLS to a proxy that does, and wants a CA to vouch for it', async () => {
    await using server = await openServer(rack)
    await using proxy = await openConnectProxy({ route: () => server.port, certificate: other })
    const target = { host: HOST, port: 443, pin: pinOf(rack) }
    const error = await failure(
      connectPinned({ ...target, proxy: { ...through(proxy), tls: true } }),
    )
    expect(error.message).toMatch(/^the proxy 127\.0\.0\.1:\d+ cannot be reached \(.*CERT.*\)$/)
    expect(proxy.asked).toEqual([])
  })
})

describe('a proxy that does not help', () => {
  const target = { host: HOST, port: 443, timeoutMs: 5_000 }

  it('and refuses is named, with its answer and with the way around it', async () => {
    await using proxy = await openConnectProxy({ route: () => undefined })
    const error = await failure(connectPinned({ ...target, proxy: through(proxy) }))
    expect([error.code, error.message]).toEqual([
      'rack-unreachable',
      `the proxy 127.0.0.1:${proxy.port} refuses to connect to ${HOST}:443 (it answered 403)`,
    ])
    expect(error.hint).toContain(`NO_PROXY=${HOST}`)
  })

  it('and is not there is not mistaken for the host', async () => {
    const proxy = await openConnectProxy({ route: () => undefined })
    await proxy[Symbol.asyncDispose]()
    const error = await failure(connectPinned({ ...target, proxy: through(proxy) }))
    expect(error.message).toBe(`the proxy 127.0.0.1:${proxy.port} cannot be reached (ECONNREFUSED)`)
    const named = { ...through(proxy), host: 'no-proxy.invalid' }
    expect((await failure(connectPinned({ ...target, proxy: named }))).message).toContain(
      'its name cannot be resolved',
    )
  })

  it.each([
    ['speaks another language', 'SSH-2.0-OpenSSH_9\r\n'],
    ['says more than that it is connected', 'HTTP/1.1 200 OK\r\n\r\nhello'],
    ['hangs up', undefined],
  ])('because it %s is one sentence', async (_what, said) => {
    const server = createTcpServer((socket) => {
      socket.on('error', () => {})
      socket.once('data', () => socket.end(said ?? ''))
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const error = await failure(connectPinned({ ...target, proxy: through({ port }) }))
    expect(error.message).toMatch(/^the proxy 127\.0\.0\.1:\d+ (gave an answer|cannot be reached)/)
    server.close()
    await once(server, 'close')
  })

  it('and hangs up once it has connected ends the handshake', async () => {
    await using server = await openServer(undefined)
    await using proxy = await openConnectProxy({ route: () => server.port })
    const connecting = failure(connectPinned({ ...target, proxy: through(proxy) }))
    await expect.poll(() => proxy.passed()).not.toBe('')
    await server[Symbol.asyncDispose]()
    expect((await connecting).code).toBe('rack-unreachable')
    await expect.poll(() => proxy.open()).toBe(0)
  })

  it('and says nothing is given up, at the latest when the caller has enough', async () => {
    await using silent = await openServer(undefined)
    const options = { ...target, proxy: through(silent) }
    const late = await failure(connectPinned({ ...options, timeoutMs: 50 }))
    expect([late.code, late.message]).toEqual([
      'timeout',
      `the proxy 127.0.0.1:${silent.port} did not answer in time`,
    ])
    const controller = new AbortController()
    const cancelled = failure(connectPinned({ ...options, signal: controller.signal }))
    await expect.poll(() => silent.connections()).toBe(2)
    controller.abort()
    expect((await cancelled).message).toBe(`the request to ${HOST}:443 was cancelled`)
  })
})

function basicOf(key: Secret): string {
  return Buffer.from(`convox:${key.reveal()}`).toString('base64')
}
