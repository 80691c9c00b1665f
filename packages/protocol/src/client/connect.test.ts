import { X509Certificate } from 'node:crypto'
import { getEventListeners, once } from 'node:events'
import { type AddressInfo, createServer, type LookupFunction } from 'node:net'
import { beforeAll, describe, expect, it } from 'vitest'
import { KeyrackError } from '../errors.ts'
import { connectionError, connectPinned, peerCertificate } from './connect.ts'
import { fingerprintsOf } from './pin.ts'
import { makeCertificate, openServer, type TestCertificate } from './tls-server.fixture.ts'

const host = '127.0.0.1'
let good: TestCertificate
let expired: TestCertificate

beforeAll(async () => {
  good = await makeCertificate()
  expired = await makeCertificate({ days: 5 })
})

const pinsOf = (one: TestCertificate) => fingerprintsOf(new X509Certificate(one.cert).raw)

/** The error of a promise that must fail; its text is fit to be shown. */
async function failure(promise: Promise<unknown>): Promise<KeyrackError> {
  const error = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof KeyrackError)) throw new TypeError('it did not fail as it should')
  expect(`${error.message} ${error.hint}`).not.toContain('%')
  return error
}

describe('connectPinned', () => {
  it.each(['certificate', 'key'] as const)('connects where the pin is of the %s', async (which) => {
    await using server = await openServer(good)
    const socket = await connectPinned({ host, port: server.port, pin: pinsOf(good)[which] })
    expect(socket.encrypted).toBe(true)
    socket.destroy()
  })

  it('connects to a pinned certificate that expired: the pin alone decides', async () => {
    await using server = await openServer(expired)
    const pin = pinsOf(expired).certificate
    const socket = await connectPinned({ host, port: server.port, pin })
    socket.destroy()
  })

  it('refuses any other certificate', async () => {
    await using server = await openServer(good)
    const pin = pinsOf(expired).certificate
    const error = await failure(connectPinned({ host, port: server.port, pin }))
    expect(error.code).toBe('rack-refused')
    expect(error.cause).toBe(pinsOf(good).certificate)
    expect(server.received()).toBe('')
  })

  it('without a pin refuses what no CA vouches for', async () => {
    await using server = await openServer(good)
    const error = await failure(connectPinned({ host, port: server.port }))
    expect(error.code).toBe('rack-refused')
    expect(error.message).toBe(`the certificate of ${host}:${server.port} is not trusted`)
  })

  it('an empty pin is not the absence of one', async () => {
    await using server = await openServer(good)
    const error = await failure(connectPinned({ host, port: server.port, pin: '' }))
    expect(error.code).toBe('rack-refused')
  })

  it('resolves names with the lookup it is given, and no other', async () => {
    await using server = await openServer(good)
    const asked: string[] = []
    const lookup: LookupFunction = (name, options, done) => {
      asked.push(name)
      if (options.all) done(null, [{ address: host, family: 4 }])
      else done(null, host, 4)
    }
    const pin = pinsOf(good).key
    const socket = await connectPinned({ host: 'rack.invalid', port: server.port, pin, lookup })
    socket.destroy()
    expect(asked).toEqual(['rack.invalid'])
  })

  it('what the lookup refuses is refused with its own words', async () => {
    const lookup: LookupFunction = (_name, _options, done) => {
      done(new KeyrackError('forbidden', 'this address is not allowed'), '', 4)
    }
    const error = await failure(connectPinned({ host: 'rack.invalid', port: 1, lookup }))
    expect([error.code, error.message]).toEqual(['forbidden', 'this address is not allowed'])
  })

  it('says that a name cannot be resolved', async () => {
    const error = await failure(connectPinned({ host: 'nowhere.invalid', port: 443 }))
    expect(error.code).toBe('rack-unreachable')
    expect(error.message).toBe('the name nowhere.invalid cannot be resolved')
  })

  it('says that nothing answers', async () => {
    const server = await openServer(good)
    const { port } = server
    await server[Symbol.asyncDispose]()
    const error = await failure(connectPinned({ host, port }))
    expect(error.message).toBe(`nothing answers at ${host}:${port}`)
  })

  it('gives up on a port that waits for plain text', async () => {
    await using server = await openServer(undefined)
    const error = await failure(connectPinned({ host, port: server.port, timeoutMs: 50 }))
    expect([error.code, error.message]).toEqual([
      'timeout',
      `${host}:${server.port} did not answer in time`,
    ])
  })

  it('says that a port speaks plain text', async () => {
    const plain = createServer((socket) => {
      socket.on('error', () => {})
      socket.resume()
      socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
    })
    plain.listen(0, host)
    await once(plain, 'listening')
    const { port } = plain.address() as AddressInfo
    const error = await failure(connectPinned({ host, port }))
    expect(error.message).toBe(`${host}:${port} does not speak TLS as it should`)
    plain.close()
    await once(plain, 'close')
  })

  it('can be cancelled before, during, and leaves nothing on the signal afterwards', async () => {
    await using silent = await openServer(undefined)
    const before = await failure(
      connectPinned({ host, port: silent.port, signal: AbortSignal.abort() }),
    )
    expect(before.message).toContain('was cancelled')
    expect(silent.connections()).toBe(0)

    const controller = new AbortController()
    const during = failure(connectPinned({ host, port: silent.port, signal: controller.signal }))
    controller.abort()
    expect((await during).message).toContain('was cancelled')

    await using server = await openServer(good)
    const { signal } = new AbortController()
    const pin = pinsOf(good).key
    const socket = await connectPinned({ host, port: server.port, pin, signal })
    expect(getEventListeners(signal, 'abort')).toEqual([])
    socket.destroy()
  })

  it('a signal that expires is a timeout', async () => {
    await using silent = await openServer(undefined)
    const signal = AbortSignal.timeout(20)
    expect((await failure(connectPinned({ host, port: silent.port, signal }))).code).toBe('timeout')
  })

  it('a connection that breaks before its first use ends no process', async () => {
    await using server = await openServer(good)
    const socket = await connectPinned({ host, port: server.port, pin: pinsOf(good).key })
    const closed = new Promise((resolve) => socket.once('close', resolve))
    socket.emit('error', new Error('reset'))
    socket.emit('error', new Error('reset again'))
    await closed
  })
})

describe('peerCertificate', () => {
  it('tells both fingerprints and whether a CA vouches, and sends nothing', async () => {
    await using server = await openServer(good)
    const { certificate, key } = pinsOf(good)
    expect(await peerCertificate(server.url)).toEqual({
      fingerprint: certificate,
      keyFingerprint: key,
      trusted: false,
      subject: 'test rack',
    })
    expect(server.received()).toBe('')
  })

  it('gives up', async () => {
    await using silent = await openServer(undefined)
    const url = `https://${host}:${silent.port}`
    expect((await failure(peerCertificate(url, { timeoutMs: 20 }))).code).toBe('timeout')
  })
})

describe('connectionError', () => {
  it('leaves our own errors as they are', () => {
    const error = new KeyrackError('conflict', 'x')
    expect(connectionError(error, host, 1)).toBe(error)
  })

  it.each([
    ['EAI_AGAIN', 'rack-unreachable'],
    ['CERT_HAS_EXPIRED', 'rack-refused'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'rack-refused'],
    ['HOSTNAME_MISMATCH', 'rack-refused'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'rack-unreachable'],
    ['ETIMEDOUT', 'timeout'],
    ['HPE_INVALID_CONSTANT', 'rack-broken'],
    ['ECONNRESET', 'rack-unreachable'],
    ['EHOSTUNREACH', 'rack-unreachable'],
  ])('%s is %s', (code, expected) => {
    const error = connectionError(Object.assign(new Error('secret detail'), { code }), host, 1)
    expect(error.code).toBe(expected)
    expect(error.message).not.toContain('secret detail')
  })

  it('takes whatever was thrown', () => {
    for (const odd of [undefined, null, 'text', 7, {}, { code: 5 }]) {
      expect(connectionError(odd, host, 1).code).toBe('rack-unreachable')
    }
  })
})
