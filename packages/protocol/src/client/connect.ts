import { isIP, type LookupFunction } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { KeyrackError } from '../errors.ts'
import { type HttpProxy, openTunnel } from './open-tunnel.ts'
import { type Fingerprints, fingerprintsOf, pinMatches } from './pin.ts'

export interface ConnectOptions {
  host: string
  port: number
  /** Canonical (see `parsePin`). Given, it alone decides: it beats a CA and the dates. */
  pin?: string
  /** Resolves names; the Console's guard against forbidden addresses hangs here. */
  lookup?: LookupFunction
  /** Connects on our behalf; whom we talk to is still proved by the pin or a CA, inside of it. */
  proxy?: HttpProxy
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
  options: Pick<ConnectOptions, 'lookup' | 'proxy' | 'signal' | 'timeoutMs'> = {},
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

async function handshake(options: ConnectOptions, verifyByAuthority: boolean): Promise<TLSSocket> {
  const { host, port, lookup, proxy, signal, timeoutMs = 30_000 } = options
  if (signal?.aborted) throw connectionError(undefined, host, port, signal)
  const tunnel =
    proxy &&
    (await openTunnel(proxy, { host, port, signal, timeoutMs }).catch((error: unknown) => {
      throw connectionError(error, host, port, signal)
    }))
  return new Promise((resolve, reject) => {
    const socket = connect({
      host,
      port,
      ...(tunnel === undefined ? {} : { socket: tunnel }),
      ...(lookup === undefined ? {} : { lookup }),
      // RFC 6066: no server name for addresses.
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ALPNProtocols: ['http/1.1'],
      minVersion: 'TLSv1.2',
      rejectUnauthorized: verifyByAuthority,
    })
    const settle = (): void => {
      clearTimeout(late)
      signal?.removeEventListener('abort', failed)
    }
    const failed = (error: unknown): void => {
      settle()
      reject(connectionError(error, host, port, signal))
      socket.destroy()
    }
    const late = setTimeout(() => failed(new KeyrackError('timeout', slow(host, port))), timeoutMs)
    signal?.addEventListener('abort', failed, { once: true })
    // Stays for good: an error between here and the first user of the socket must not end the
    // process. The user sees `close`.
    socket.on('error', failed)
    socket.once('secureConnect', () => {
      settle()
      socket.setNoDelay(true)
      resolve(socket)
    })
  })
}

function slow(host: string, port: number): string {
  return `${host}:${port} did not answer in time`
}

const CERTIFICATE_PROBLEMS = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ALTNAME|HOSTNAME_MISMATCH|^INVALID_/

/** One sentence for each way in which a connection fails. */
export function connectionError(
  error: unknown,
  host: string,
  port: number,
  signal?: AbortSignal,
): KeyrackError {
  const code = errorCode(error)
  const where = `${host}:${port}`
  const say = (message: string, hint?: string): KeyrackError =>
    new KeyrackError('rack-unreachable', message, { cause: error, ...(hint ? { hint } : {}) })
  if (signal?.aborted) return cancelled(signal, host, port)
  if (error instanceof KeyrackError) return error
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return say(`the name ${host} cannot be resolved`, 'check the spelling and the network')
  }
  if (code === 'ECONNREFUSED') {
    return say(`nothing answers at ${where}`, 'is the server running and the port right?')
  }
  if (code === 'ETIMEDOUT') return new KeyrackError('timeout', slow(host, port), { cause: error })
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return say(`${where} does not speak TLS as it should`, 'is this the TLS port?')
  }
  if (CERTIFICATE_PROBLEMS.test(code)) {
    return new KeyrackError('rack-refused', `the certificate of ${where} is not trusted`, {
      cause: error,
      hint: 'log in again to compare and accept its fingerprint',
    })
  }
  if (code.startsWith('HPE_')) {
    const message = `${where} gave an answer that cannot be understood`
    return new KeyrackError('rack-broken', message, {
      cause: error,
      hint: 'is this a Console or a Rack?',
    })
  }
  return say(`the connection to ${where} failed`, 'try again, and check that the server is running')
}

function cancelled(signal: AbortSignal, host: string, port: number): KeyrackError {
  const reason: unknown = signal.reason
  if (reason instanceof KeyrackError) return reason
  if (reason instanceof Error && reason.name === 'TimeoutError') {
    return new KeyrackError('timeout', slow(host, port), { cause: reason })
  }
  return new KeyrackError('rack-unreachable', `the request to ${host}:${port} was cancelled`, {
    cause: reason,
  })
}

/** What the system or Node calls a failure, like ECONNRESET; empty where it has no such name. */
export function errorCode(error: unknown): string {
  if (typeof error !== 'object' || error === null) return ''
  const code = 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
