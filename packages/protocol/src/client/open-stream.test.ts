import { createHash, X509Certificate } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { Secret } from '@keyrack/secrets/secret'
import { beforeAll, describe, expect, it } from 'vitest'
import { KeyrackError } from '../errors.ts'
import { ExitScanner } from '../exit-scanner.ts'
import { exitWith, failWith } from '../stream.ts'
import { happened, readAll } from '../stream-pair.fixture.ts'
import { type Client, type ClientOptions, createClient } from './client.ts'
import { fingerprintsOf } from './pin.ts'
import { openStreamServer } from './stream-server.fixture.ts'
import { makeCertificate, openServer, type TestCertificate } from './tls-server.fixture.ts'

let certificate: TestCertificate
let pin: string

beforeAll(async () => {
  certificate = await makeCertificate()
  pin = fingerprintsOf(new X509Certificate(certificate.cert).raw).key
})

function clientOf(server: { url: string }, extra: Partial<ClientOptions> = {}): Client {
  return createClient({ url: server.url, pin, version: '1', ...extra })
}

async function failure(promise: Promise<unknown>): Promise<KeyrackError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof KeyrackError)) throw new TypeError('it did not fail as it should')
  expect(`${error.message} ${error.hint}`).not.toContain('%')
  return error
}

describe('client.stream', () => {
  it('knows who hangs up on a head that is too long from who just hangs up', async () => {
    await using server = await openServer(undefined, (socket) => socket.resetAndDestroy())
    const client = createClient({ url: server.url, version: '1' })
    const long = await failure(client.stream('/shell', { Command: 'x'.repeat(100_000) }))
    expect(long.code).toBe('too-large')
    expect(long.message).toContain('this is too long for the head of a request to 127.0.0.1:')
    const short = await failure(client.stream('/shell', { Command: 'x'.repeat(1000) }))
    expect(short.code).toBe('rack-unreachable')
  })

  it.each([
    ['Request-Id: abc-1.2_3', 'abc-1.2_3'],
    ['Request-Id: a b', undefined],
    [`Request-Id: ${'x'.repeat(129)}`, undefined],
    ['Another: header', undefined],
  ])('knows what the server calls the request: %j', async (header, requestId) => {
    await using server = await openStreamServer(certificate, (stream) => stream.end(), header)
    const seen: (string | undefined)[] = []
    const client = clientOf(server, { see: (one) => seen.push(one.requestId) })
    expect((await client.stream('/x', {})).requestId).toBe(requestId)
    expect(seen).toEqual([requestId])
  })

  it('carries bytes both ways over TLS, then the exit code', async () => {
    await using server = await openStreamServer(certificate, (stream) => {
      stream.pipe(stream, { end: false })
      stream.once('end', () => exitWith(stream, 5))
    })
    const stream = await clientOf(server).stream('/instances/i/shell', { Command: 'cat' })
    const sent = Buffer.from(Array.from({ length: 1_000_000 }, (_, at) => (at * 31) & 0xff))
    stream.end(sent)
    const scanner = new ExitScanner()
    const output = [scanner.push(await readAll(stream)), scanner.flush()]
    expect(Buffer.concat(output).equals(sent)).toBe(true)
    expect(scanner.code).toBe(5)
  })

  it('sends what official Racks and Consoles expect, and no extension', async () => {
    await using server = await openStreamServer(certificate, (stream) => stream.end())
    const client = clientOf(
      { url: `${server.url}/prefix` },
      {
        password: Secret.of('pw'),
        rack: 'acme/staging',
      },
    )
    await readAll(await client.stream('/apps/a/logs', { Since: '2m0s', Filter: 'grüße' }))
    expect(server.heads).toHaveLength(1)
    const { url, headers } = server.heads[0] ?? { url: '', headers: {} }
    expect(url).toBe('/prefix/apps/a/logs')
    expect(headers).toMatchObject({
      authorization: `Basic ${Buffer.from('convox:pw').toString('base64')}`,
      host: new URL(server.url).host,
      origin: server.url,
      rack: 'acme/staging',
      since: '2m0s',
      filter: Buffer.from('grüße').toString('latin1'),
      version: 'dev',
    })
    expect(headers['sec-websocket-extensions']).toBeUndefined()
    expect(headers['sec-websocket-protocol']).toBeUndefined()
  })

  it('sends each frame in one piece of at most 10 KiB, as old official Racks need it', async () => {
    // Of 1,024 bytes each, the last of the rest.
    const [frames, bytes] = [300, 300 * (8 + 1024) + (6 + 100)]
    const pieces: number[] = []
    let arrived = (): void => {}
    const all = new Promise<void>((resolve) => {
      arrived = resolve
    })
    await using server = await openServer(certificate, (socket, head) => {
      socket.on('data', (chunk) => {
        pieces.push(chunk.length)
        if (pieces.reduce((sum, length) => sum + length) === bytes) arrived()
      })
      const key = /^Sec-WebSocket-Key: (.*)\r$/im.exec(head)?.[1] ?? ''
      const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          `Sec-WebSocket-Accept: ${accept.digest('base64')}\r\n\r\n`,
      )
    })
    const stream = await clientOf(server).stream('/x', {})
    stream.write(Buffer.alloc(frames * 1024 + 100, 'x'))
    await all
    for (const length of pieces) expect(length).toBeLessThanOrEqual(10 * 1024)
    for (const length of pieces.slice(0, -1)) expect(length % (8 + 1024)).toBe(0)
    stream.destroy()
  })

  it('loses nothing that arrives with the answer to the handshake', async () => {
    await using server = await openStreamServer(certificate, (stream) =>
      failWith(stream, 'no access', 1),
    )
    for (let round = 0; round < 20; round++) {
      const stream = await clientOf(server).stream('/x', {})
      expect(String(await readAll(stream))).toMatch(/^ERROR: no access\nF1E4.*:1\n$/)
    }
  })

  it('loses nothing to a reader that comes late', async () => {
    await using server = await openStreamServer(certificate, (stream) => stream.end('early'))
    const stream = await clientOf(server).stream('/x', {})
    await new Promise(setImmediate)
    expect(String(await readAll(stream))).toBe('early')
  })

  it('that is destroyed ends the server', async () => {
    let ended: Promise<void> | undefined
    await using server = await openStreamServer(certificate, (stream) => {
      ended = happened(stream, 'close')
    })
    const stream = await clientOf(server).stream('/x', {})
    stream.destroy()
    await ended
  })

  it('reaches a plain server on this machine', async () => {
    await using server = await openServer(undefined, (socket) => {
      socket.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope')
    })
    expect((await failure(clientOf(server).stream('/x', {}))).message).toBe('nope')
  })

  it.each([
    [
      'an official error',
      '401 Unauthorized\r\nContent-Length: 4',
      'nope',
      'unauthenticated',
      'nope',
    ],
    ['our error', '409 Conflict\r\nContent-Length: 13', '{"error":"a"}', 'conflict', 'a'],
    [
      'a redirect',
      '302 Found\r\nContent-Length: 0',
      '',
      'rack-broken',
      'points to another address',
    ],
    ['a success', '200 OK\r\nContent-Length: 2', 'ok', 'rack-broken', 'did not open a stream'],
    ['a cut error', '500 Oh\r\nContent-Length: 99', 'x', 'rack-unreachable', 'failed'],
    [
      'a wrong handshake',
      '101 Go\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x',
      '',
      'rack-unreachable',
      'failed',
    ],
  ])('answered by %s is that error', async (_name, head, body, code, text) => {
    await using server = await openServer(certificate, (socket) => {
      socket.end(`HTTP/1.1 ${head}\r\n\r\n${body}`)
    })
    const error = await failure(clientOf(server).stream('/x', {}))
    expect(error.code).toBe(code)
    expect(error.message).toContain(text)
  })

  it.each([
    ['nothing', ''],
    ['half an error', 'HTTP/1.1 403 Forbidden\r\nContent-Length: 9\r\n\r\nx'],
  ])('answered by %s is given up in time, and the connection with it', async (_name, sent) => {
    let closed: Promise<void> | undefined
    await using server = await openServer(certificate, (socket) => {
      closed = happened(socket, 'close')
      socket.write(sent)
    })
    const client = clientOf(server, { timeoutMs: 200 })
    expect((await failure(client.stream('/x', {}))).code).toBe('timeout')
    await closed
  })

  it('can be given up while it opens', async () => {
    const controller = new AbortController()
    await using server = await openServer(certificate, () => controller.abort())
    const error = await failure(clientOf(server).stream('/x', {}, { signal: controller.signal }))
    expect(error.message).toContain('was cancelled')
  })

  it('can be given up while it is open, and leaves nothing on the signal', async () => {
    const controller = new AbortController()
    await using server = await openStreamServer(certificate, () => {})
    const stream = await clientOf(server).stream('/x', {}, { signal: controller.signal })
    const closed = happened(stream, 'close')
    controller.abort()
    await closed
    expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  })

  it('that breaks is an error', async () => {
    await using server = await openServer(certificate, (socket, head) => {
      void head
      socket.destroy()
    })
    expect((await failure(clientOf(server).stream('/x', {}))).code).toBe('rack-unreachable')
  })
})
