import { createServer, type Server } from 'node:https'
import type { Duplex } from 'node:stream'
import { KeyrackError } from '@keyrack/protocol'
import { type Certificate, errorResponse, requestId } from '@keyrack/server'

/** Long commands travel in a header; a key or anything else of a megabyte does not. */
const HEADER_BYTES_MAX = 64 * 1024
/** Longer than the 60 s of common load balancers, so that they are the ones who close. */
const KEEP_ALIVE_MS = 75_000

/** What somebody without a key can take up. */
export interface ServerLimits {
  /** At once; who comes then is hung up on. A connection takes about 50 KB. */
  connections: number
  /** For the TLS handshake, and again for the head of a request, on a quiet connection too. */
  headMs: number
  /** How often it is looked whose time is over. */
  checkMs: number
}

const LIMITS: ServerLimits = { connections: 4_000, headMs: 20_000, checkMs: 5_000 }

export interface HttpsServer {
  server: Server
  /** Drops every connection, also those that have become WebSockets. */
  dropConnections(): void
}

/** The HTTPS server of the Rack, without any behaviour but its limits. */
export function createHttpsServer(
  certificate: Pick<Certificate, 'cert' | 'key'>,
  limits: ServerLimits = LIMITS,
): HttpsServer {
  const connections = new Set<Duplex>()
  const server = createServer({
    cert: certificate.cert,
    key: certificate.key.reveal(),
    minVersion: 'TLSv1.2',
    handshakeTimeout: limits.headMs,
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: limits.headMs,
    connectionsCheckingInterval: limits.checkMs,
    // Streams and uploads last as long as they last; each body has its own limit.
    requestTimeout: 0,
    keepAliveTimeout: KEEP_ALIVE_MS,
  })
  // Node drops what exceeds 2,000 headers without a word (CWE-444); the size of a head is the limit.
  server.maxHeadersCount = 0
  server.maxConnections = limits.connections
  server.on('secureConnection', (socket) => {
    socket.setNoDelay(true)
    connections.add(socket)
    socket.once('close', () => connections.delete(socket))
  })
  server.on('clientError', (error, socket) => {
    // Node tells failed handshakes here as well: a port scanner, or somebody who never begins. An
    // answer would wait for TLS for ever, and the connection with it.
    if (connections.has(socket)) answerMalformed(error, socket)
    else socket.destroy()
  })
  return {
    server,
    dropConnections() {
      for (const socket of connections) socket.destroy()
    },
  }
}

/** Something that is not HTTP, or too much of it: one answer in our form, then the end. */
function answerMalformed(error: Error, socket: Duplex): void {
  // After the answer more of the same may come in; it is neither parsed nor answered again.
  if (answered.has(socket)) return
  answered.add(socket)
  if (!socket.writable || errorCode(error) === 'ECONNRESET') socket.destroy()
  else refuseSocket(socket, malformed(error))
}

const answered = new WeakSet<Duplex>()

function errorCode(error: Error): unknown {
  return 'code' in error ? error.code : undefined
}

function malformed(error: Error): KeyrackError {
  const code = errorCode(error)
  if (code === 'HPE_HEADER_OVERFLOW') {
    return new KeyrackError('too-large', 'the request headers are larger than 64 KiB', {
      hint: 'check what is used as the key: a key has 44 characters',
    })
  }
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new KeyrackError('invalid', 'the request headers did not arrive in time')
  }
  return new KeyrackError('invalid', 'this is not a valid HTTP request')
}

/** Answers on a bare socket, for requests that never become a response object, and closes it. */
export function refuseSocket(socket: Duplex, error: unknown, id = requestId(undefined)): number {
  const { status, headers, body } = errorResponse(error, id)
  writeBareAnswer(socket, status, { ...headers, 'request-id': id }, body)
  return status
}

export function writeBareAnswer(
  socket: Duplex,
  status: number,
  headers: Record<string, string>,
  body: string,
): void {
  const lines = Object.entries({
    ...headers,
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  // The reason phrase may be empty (RFC 9112 4), its space may not.
  socket.end(`HTTP/1.1 ${status} \r\n${lines.join('')}\r\n${body}`)
  socket.once('finish', () => closeGently(socket))
}

const LINGER_MS = 2_000

/** Reads on for a moment: closing over unread bytes would reset the answer away (RFC 9112 9.6). */
function closeGently(socket: Duplex): void {
  const timer = setTimeout(() => socket.destroy(), LINGER_MS)
  timer.unref()
  socket.on('error', () => {})
  socket.once('close', () => clearTimeout(timer))
  socket.resume()
}
