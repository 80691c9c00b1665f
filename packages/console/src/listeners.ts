import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Socket } from 'node:net'
import { type Certificate, type Listening, listen } from '@keyrack/server'
import type { ConsoleConfig } from './config.ts'
import type { ConsoleHandler } from './http/handler.ts'

/**
 * No limit on how long a request takes: uploads are slow and log streams are quiet for hours. Heads
 * have to come soon, and be small enough for a credential and options, nothing more.
 */
const SERVER_OPTIONS = {
  requestTimeout: 0,
  maxHeaderSize: 32 * 1024,
  // It is refused by the handler as any other unknown name, in an answer of ours.
  requireHostHeader: false,
  // A client that vanished from a quiet stream is noticed by TCP, and its Rack let go.
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
}
/** Nothing sent and nothing received for this long, as official load balancers have it. */
const IDLE_MS = 60 * 60_000

/** What somebody without a key can take up. */
export interface ListenerLimits {
  /** At once, on each listener; who comes then is hung up on. A connection takes about 50 KB. */
  connections: number
  /** For a TLS handshake, and again for the head of a request, on a quiet connection too. */
  headMs: number
  /** How often it is looked whose time is over. */
  checkMs: number
  /** For the rest of a body whose request has been answered. */
  restMs: number
}

const LIMITS: ListenerLimits = {
  connections: 4_000,
  headMs: 20_000,
  checkMs: 5_000,
  restMs: 30_000,
}

type ServedCertificate = Pick<Certificate, 'cert' | 'key'>

export interface Listeners {
  plain: Listening
  tls: Listening
  /** For connections from now on. */
  useCertificate(certificate: ServedCertificate): void
  /** Stops accepting, lets what is under way end within the grace, then cuts the rest. */
  close(graceMs: number): Promise<void>
}

export async function openListeners(
  handler: ConsoleHandler,
  config: Pick<ConsoleConfig, 'port' | 'tlsPort' | 'host'>,
  certificate: ServedCertificate,
  limits: ListenerLimits = LIMITS,
): Promise<Listeners> {
  const request: RequestListener = (req, res) => {
    res.once('finish', () => boundRest(req, res, limits.restMs))
    handler.request(req, res)
  }
  const options = {
    ...SERVER_OPTIONS,
    headersTimeout: limits.headMs,
    connectionsCheckingInterval: limits.checkMs,
  }
  const plainServer = createHttpServer(options, request)
  const tlsServer = createHttpsServer(
    {
      ...options,
      handshakeTimeout: limits.headMs,
      cert: certificate.cert,
      key: certificate.key.reveal(),
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
    },
    request,
  )
  const servers: readonly Server[] = [plainServer, tlsServer]
  const sockets = servers.map((server) => {
    server.setTimeout(IDLE_MS)
    // Node drops what exceeds 2,000 headers without a word, so that a second `Host`, or the length of
    // the body that it has read, would not be seen here (CWE-444). The size of a head is the limit.
    server.maxHeadersCount = 0
    server.maxConnections = limits.connections
    server.on('upgrade', (req, socket, head) => handler.upgrade(req, socket, head))
    return track(server)
  })
  // A browser on this machine and a reverse proxy in front both reach loopback; nobody else does.
  const plain = await listen(plainServer, {
    port: config.port,
    host: '127.0.0.1',
    variable: 'PORT',
  })
  let tls: Listening
  try {
    tls = await listen(tlsServer, {
      port: config.tlsPort,
      host: config.host,
      variable: 'TLS_PORT',
    })
  } catch (error) {
    await plain.close()
    throw error
  }
  return {
    plain,
    tls,
    useCertificate({ cert, key }) {
      tlsServer.setSecureContext({ cert, key: key.reveal(), minVersion: 'TLSv1.2' })
    },
    async close(graceMs) {
      const cut = setTimeout(() => {
        for (const open of sockets) for (const socket of open) socket.destroy()
      }, graceMs)
      // A connection that answers its last request only now is kept alive, and would hold us up.
      const sweep = setInterval(() => {
        for (const server of servers) server.closeIdleConnections()
      }, 50)
      await Promise.all([plain.close(), tls.close()])
      clearTimeout(cut)
      clearInterval(sweep)
    },
  }
}

/**
 * What still comes of an answered request is read and dropped, so that the connection lives. Without
 * a key that was accepted this ends: a body without end would hold a connection for ever (CWE-770).
 */
function boundRest(req: IncomingMessage, res: ServerResponse, restMs: number): void {
  const refused = res.statusCode === 401 || res.statusCode === 429
  if (req.complete || (req.headers.authorization !== undefined && !refused)) return
  const timer = setTimeout(() => req.socket.destroy(), restMs)
  req.once('close', () => clearTimeout(timer))
}

/** Upgraded connections are no longer the HTTP server's to close. */
function track(server: Server): ReadonlySet<Socket> {
  const open = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  return open
}
