import { isIP, type LookupFunction } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { KeyrackError } from '../errors.ts'
import { type Fingerprints, fingerprintsOf, pinMatches } from './pin.ts'

export interface ConnectOptions {
  host: string
  port: number
  /** Canonical (see `parsePin`). Given, it alone decides: it beats a CA and the dates. */
  pin?: string
  /** Resolves names; the Console's guard against forbidden addresses hangs here. */
  lookup?: LookupFunction
  signal?: AbortSignal
  timeoutMs?: number
}

/**
 * A TLS connection whose peer has been verified before one byte of a request is sent: by the pin
 * where there is one, else by a CA. Session resumption is off, because a resumed session shows no
 * certificate.
 */
export async function connectPinned(options: ConnectOptions): Promise<TLSSocket> {
  const socket = await handshake(options, options.pin === undefined)
  if (options.pin === undefined) return socket
  const raw = socket.getPeerCertificate(false)?.raw
  if (raw !== undefined && pinMatches(options.pin, raw)) return socket
  socket.destroy()
  throw new KeyrackError(
    'rack-refused',
    `${options.host}:${options.port} shows another certificate than the one that is trusted`,
    {
      hint: 'somebody may be in between, or the server was reinstalled; compare the fingerprint with its owner',
      cause: raw === undefined ? 'no certificate' : fingerprintsOf(raw).certificate,
    },
  )
}

export interface PeerCertificate {
  /** SHA-256 of the certificate, hex. */
  fingerprint: string
  /** SHA-256 of its public key, hex. */
  keyFingerprint: string
  /** Whether a CA of this machine vouches for it and for the host's name, today. */
  trusted: boolean
  subject: string
}

/** The certificate that a server shows. Nothing is sent on that connection. */
export async function peerCertificate(
  url: string,
  options: { timeoutMs?: number } = {},
): Promise<PeerCertificate> {
  const { hostname, port } = new URL(url)
  const host = hostname.replace(/^\[|\]$/g, '')
  const socket = await handshake({ host, port: Number(port || 443), ...options }, false)
  try {
    const certificate = socket.getPeerCertificate(false)
    if (certificate?.raw === undefined) {
      throw new KeyrackError('rack-refused', `${host} shows no certificate`)
    }
    const { certificate: fingerprint, key: keyFingerprint }: Fingerprints = fingerprintsOf(
      certificate.raw,
    )
    const subject = String(certificate.subject?.CN ?? '')
    return { fingerprint, keyFingerprint, trusted: socket.authorized, subject }
  } finally {
    socket.destroy()
  }
}

function handshake(options: ConnectOptions, verifyByAuthority: boolean): Promise<TLSSocket> {
  const { host, port, lookup, signal, timeoutMs = 30_000 } = options
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      ...(lookup === undefined ? {} : { lookup }),
      // RFC 6066: no server name for addresses.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      rejectUnauthorized: verifyByAuthority,
    })
    const failed = (error: Error): void => {
      socket.destroy()
      reject(connectionError(error, host, port))
    }
    const aborted = (): void => failed(new Error('aborted', { cause: signal?.reason }))
    socket.setTimeout(timeoutMs, () => failed(new TimeoutError(timeoutMs)))
    socket.once('error', failed)
    socket.once('secureConnect', () => {
      socket.off('error', failed)
      signal?.removeEventListener('abort', aborted)
      socket.setTimeout(0)
      socket.setNoDelay(true)
      resolve(socket)
    })
    if (signal?.aborted) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
  })
}

class TimeoutError extends Error {
  constructor(milliseconds: number) {
    super(`no answer within ${milliseconds / 1000} s`)
  }
}

const CERTIFICATE_PROBLEMS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME/

/** One sentence for each way in which a connection fails. */
export function connectionError(error: unknown, host: string, port: number): KeyrackError {
  if (error instanceof KeyrackError) return error
  const code = errorCode(error)
  const where = `${host}:${port}`
  const say = (message: string, hint?: string): KeyrackError =>
    new KeyrackError('rack-unreachable', message, { cause: error, ...(hint ? { hint } : {}) })
  if (error instanceof TimeoutError) {
    return new KeyrackError('timeout', `${where} did not answer in time`, { cause: error })
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return say(`the name ${host} cannot be resolved`, 'check the spelling and the network')
  }
  if (code === 'ECONNREFUSED') {
    return say(`nothing answers at ${where}`, 'is the server running and the port right?')
  }
  if (CERTIFICATE_PROBLEMS.test(code)) {
    return new KeyrackError('rack-refused', `the certificate of ${where} is not trusted`, {
      cause: error,
      hint: 'log in again to compare and accept its fingerprint',
    })
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return say(`${where} does not speak TLS`, 'is this the TLS port?')
  }
  return say(`the connection to ${where} failed`, 'try again, and check that the server is running')
}

function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const code = 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
