import { X509Certificate } from 'node:crypto'
import type { Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { Secret } from '@keyrack/secrets/secret'
import { beforeAll, describe, expect, it } from 'vitest'
import { KeyrackError } from '../errors.ts'
import { Identity } from '../resources.ts'
import { type Client, type ClientOptions, createClient } from './client.ts'
import { fingerprintsOf } from './pin.ts'
import { makeCertificate, openServer, type TestCertificate } from './tls-server.fixture.ts'

let certificate: TestCertificate
let pin: string

beforeAll(async () => {
  certificate = await makeCertificate()
  pin = fingerprintsOf(new X509Certificate(certificate.cert).raw).certificate
})

function clientOf(server: { url: string }, extra: Partial<ClientOptions> = {}): Client {
  return createClient({ url: server.url, pin, version: '1.2.3', ...extra })
}

function answer(head: string, body = ''): (socket: Socket) => void {
  return (socket) => socket.end(`HTTP/1.1 ${head}\r\n\r\n${body}`)
}

const ok = answer('200 OK\r\nContent-Length: 3', 'ok\n')

async function failure(promise: Promise<unknown>): Promise<KeyrackError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof KeyrackError)) throw new TypeError('it did not fail as it should')
  expect(`${error.message} ${error.hint}`).not.toContain('%')
  return error
}

/** The failure of `GET /x` against a server that answers so. */
async function failureOf(serve: (socket: Socket) => void): Promise<KeyrackError> {
  await using server = await openServer(certificate, serve)
  return await failure(clientOf(server).request('GET', '/x'))
}

describe('what a request sends', () => {
  it('is exactly this', async () => {
    await using server = await openServer(certificate, ok)
    const client = clientOf(server, {
      password: Secret.of('a+b/c:d'),
      rack: 'acme/staging',
      session: 's1',
    })
    await client.request('GET', '/system')
    const [line, ...headers] = server.received().trimEnd().split('\r\n')
    expect(line).toBe('GET /system HTTP/1.1')
    expect(headers.sort()).toEqual([
      'Accept: application/json',
      `Authorization: Basic ${Buffer.from('convox:a+b/c:d').toString('base64')}`,
      'Connection: close',
      `Host: 127.0.0.1:${server.port}`,
      'Rack: acme/staging',
      'Session: s1',
      'User-Agent: keyrack/1.2.3',
      'Version: dev',
    ])
  })

  it('names nothing that was not given, and compresses nothing', async () => {
    await using server = await openServer(certificate, ok)
    await clientOf(server).request('GET', '/system')
    expect(server.received()).not.toMatch(/authorization|rack:|session|accept-encoding|cookie/i)
  })

  it('carries forms, JSON, option headers and the user of a token', async () => {
    await using server = await openServer(certificate, ok)
    const client = clientOf(server, { user: 'jwt', password: Secret.of('t') })
    await client.request('PUT', '/system', { form: { count: '3', parameters: 'A=1&B=ü' } })
    await client.request('POST', '/x', { json: { a: 1 }, headers: { Command: 'echo grüße' } })
    await client.request('POST', '/instances/keyroll')
    const received = Buffer.from(server.received(), 'latin1').toString('utf8')
    expect(received).toContain('\r\n\r\ncount=3&parameters=A%3D1%26B%3D%C3%BC')
    expect(received).toContain('Content-Type: application/x-www-form-urlencoded\r\n')
    expect(received).toContain('\r\n\r\n{"a":1}')
    expect(received).toContain('Command: echo grüße\r\n')
    expect(received).toContain('POST /instances/keyroll HTTP/1.1\r\n')
    expect(received).toContain('Content-Length: 0\r\n')
    expect(received).toContain(Buffer.from('jwt:t').toString('base64'))
  })

  it('reaches a server under a path and at an IPv6 address', async () => {
    await using server = await openServer(certificate, ok, '::1')
    const client = createClient({ url: `${server.url}/prefix/`, pin, version: '1' })
    await client.request('GET', '/system')
    expect(server.received()).toContain('GET /prefix/system HTTP/1.1\r\n')
    expect(server.received()).toContain(`Host: [::1]:${server.port}\r\n`)
  })

  it('is nothing at all to a server with another certificate', async () => {
    await using server = await openServer(certificate, ok)
    const client = clientOf(server, { pin: 'ab'.repeat(32), password: Secret.of('hunter2') })
    expect((await failure(client.request('GET', '/system'))).code).toBe('rack-refused')
    expect((await failure(client.stream('/x', {}))).code).toBe('rack-refused')
    expect(server.received()).toBe('')
  })

  it('is nothing when a header cannot be sent', async () => {
    await using server = await openServer(certificate, ok)
    const headers = { Command: 'a\r\nRack: other' }
    const error = await failure(clientOf(server).request('GET', '/x', { headers }))
    expect([error.code, error.field]).toEqual(['invalid', 'Command'])
    expect((await failure(clientOf(server).stream('/x', headers))).field).toBe('Command')
    expect(server.connections()).toBe(0)
  })

  it('may go in plain text only to this machine itself', async () => {
    await using server = await openServer(undefined, ok)
    expect((await clientOf(server).request('GET', '/x')).body).toBe('ok\n')
    for (const url of ['http://rack.example', 'http://127.0.0.1.example', 'http://10.0.0.1']) {
      expect(() => createClient({ url, version: '1' })).toThrow(
        expect.objectContaining({ code: 'invalid' }),
      )
    }
  })

  it.each(['', 'rack.example', 'ftp://rack.example', 'https://convox:pw@rack.example', 'https://'])(
    'needs an address: %j is none',
    (url) => {
      expect(() => createClient({ url, version: '1' })).toThrow(
        expect.objectContaining({ code: 'invalid', message: expect.not.stringContaining('pw') }),
      )
    },
  )
})

describe('an answer', () => {
  it('is given with its headers in lower case', async () => {
    await using server = await openServer(
      certificate,
      answer('201 Created\r\nX-Test: a\r\nX-Test: b\r\nContent-Length: 2', 'hi'),
    )
    expect(await clientOf(server).request('POST', '/x')).toMatchObject({
      status: 201,
      headers: { 'x-test': 'a, b' },
      body: 'hi',
    })
  })

  it('comes after any number of 1xx', async () => {
    await using server = await openServer(
      certificate,
      answer(
        '100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2',
        'hi',
      ),
    )
    expect((await clientOf(server).request('GET', '/x')).body).toBe('hi')
  })

  it.each([
    ['no content', '204 No Content', '', ''],
    ['no body', '200 OK', '', ''],
    ['chunks', '200 OK\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n', 'abcde'],
    [
      'a connection that is kept',
      '200 OK\r\nConnection: keep-alive\r\nContent-Length: 1',
      'x',
      'x',
    ],
  ])('with %s is complete', async (_name, head, sent, body) => {
    await using server = await openServer(certificate, answer(head, sent))
    expect((await clientOf(server).request('GET', '/x')).body).toBe(body)
  })

  it('is complete before the server closes the connection', async () => {
    await using server = await openServer(certificate, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    })
    expect((await clientOf(server).request('GET', '/x')).body).toBe('hi')
  })

  it('is decoded by get, and one that cannot be is an error', async () => {
    await using server = await openServer(
      certificate,
      answer('200 OK\r\nContent-Length: 10', '{"id":"u"}'),
    )
    expect(await clientOf(server).get('/auth', Identity.parse)).toEqual({ id: 'u' })
    const wrong = clientOf(server).get('/auth', (value) => Identity.parse([value]))
    expect((await failure(wrong)).code).toBe('rack-broken')
    await using other = await openServer(certificate, ok)
    const error = await failure(clientOf(other).get('/auth', Identity.parse))
    expect(error.message).toBe(`127.0.0.1:${other.port} gave an answer that cannot be understood`)
  })

  it.each([
    ['shorter than its length', '200 OK\r\nContent-Length: 5', 'abc'],
    ['cut in a chunk', '200 OK\r\nTransfer-Encoding: chunked', '5\r\nabc'],
    ['cut between chunks', '200 OK\r\nTransfer-Encoding: chunked', '3\r\nabc\r\n'],
    ['without any length', '200 OK', '{"id":"u"}'],
    ['an error, cut', '500 Oh\r\nContent-Length: 500', '{"error":"no'],
    ['with two lengths', '200 OK\r\nContent-Length: 1\r\nContent-Length: 2', 'ab'],
    ['with a length and chunks', '200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked', 'a'],
    ['no HTTP', 'nonsense', ''],
  ])('that is %s is no success', async (_name, head, body) => {
    const error = await failureOf(answer(head, body))
    expect(['rack-unreachable', 'rack-broken']).toContain(error.code)
  })

  it('that is followed by more never holds more than its length', async () => {
    await using server = await openServer(
      certificate,
      answer('200 OK\r\nContent-Length: 2', 'hiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'),
    )
    const got = await clientOf(server)
      .request('GET', '/x')
      .then(
        (one) => one.body,
        (error: KeyrackError) => error.code,
      )
    expect(['hi', 'rack-broken', 'rack-unreachable']).toContain(got)
  })

  it('that never comes because the server hangs up is an error', async () => {
    expect((await failureOf((socket) => socket.end())).code).toBe('rack-unreachable')
    expect((await failureOf((socket) => socket.destroy())).code).toBe('rack-unreachable')
  })

  it('that is compressed although nobody asked is an error', async () => {
    const body = gzipSync('{"id":"u"}')
    const error = await failureOf((socket) => {
      const head = `HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: ${body.length}\r\n\r\n`
      socket.end(Buffer.concat([Buffer.from(head), body]))
    })
    expect(error.message).toContain('compressed')
  })

  it('that switches protocols unasked is an error', async () => {
    const error = await failureOf(
      answer('101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade'),
    )
    expect(error.code).toBe('rack-unreachable')
  })

  it('without an end is stopped', async () => {
    const error = await failureOf((socket) => {
      const megabyte = Buffer.alloc(1024 * 1024, 'x')
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n')
      const more = (): void => {
        while (!socket.destroyed && socket.write(megabyte));
      }
      socket.on('drain', more)
      more()
    })
    expect(error.message).toBe('the answer is larger than any real one')
  })

  it.each([301, 302, 307, 308])('%i leads nowhere', async (status) => {
    await using trap = await openServer(certificate, ok)
    const head = `${status} Moved\r\nLocation: ${trap.url}/x\r\nContent-Length: 0`
    expect((await failureOf(answer(head))).code).toBe('rack-broken')
    expect(trap.connections()).toBe(0)
  })

  it('that is an error is thrown with its code and text', async () => {
    const body = '{"error":"100% no","code":"throttled","request_id":"r1"}'
    const head = `429 Too Many\r\nRetry-After: 7\r\nContent-Length: ${body.length}`
    expect(await failureOf(answer(head, body))).toMatchObject({
      code: 'throttled',
      message: '100 percent no (request r1)',
      retryAfterSeconds: 7,
    })
  })

  it.each([
    ['no head', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
    ['half a body', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'],
  ])('of which %s comes is waited for no longer than allowed', async (_name, sent) => {
    await using server = await openServer(certificate, (socket) => socket.write(sent))
    const error = await failure(clientOf(server, { timeoutMs: 200 }).request('GET', '/x'))
    expect([error.code, error.message]).toEqual([
      'timeout',
      `127.0.0.1:${server.port} did not answer in time`,
    ])
  })

  it('that trickles its head is no way to hold a client', async () => {
    await using server = await openServer(certificate, (socket) => {
      socket.write('HTTP/1.1 200 OK\r\n')
      const timer = setInterval(() => socket.write('X: y\r\n'), 5)
      socket.once('close', () => clearInterval(timer))
    })
    const client = clientOf(server, { timeoutMs: 100 })
    expect((await failure(client.request('GET', '/x'))).code).toBe('timeout')
  })

  it.each([
    ['before it begins', ''],
    ['in its middle', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'],
  ])('can be given up %s', async (_name, sent) => {
    const controller = new AbortController()
    await using server = await openServer(certificate, (socket) => {
      socket.write(sent)
      controller.abort()
      socket.resume()
    })
    const error = await failure(
      clientOf(server).request('GET', '/x', { signal: controller.signal }),
    )
    expect(error.message).toBe(`the request to 127.0.0.1:${server.port} was cancelled`)
  })
})
