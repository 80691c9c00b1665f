import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  errorText,
  exitWith,
  FRAME_SOCKET_OPTIONS,
  FrameStream,
  failWith,
  KEY_GENERATION_HEADER,
  KeyrackError,
  type Match,
  matchRoute,
  normalizePath,
  type Route,
} from '@keyrack/protocol'
import type { Logger } from '@keyrack/server'
import { type WebSocket, WebSocketServer } from 'ws'
import { permitToken } from '../access-tokens/permit-token.ts'
import { type Authentication, authenticate } from '../rack-keys/authenticate.ts'
import type { RackKeys } from '../rack-keys/rack-keys.ts'
import { NO_SUCH_ROUTE } from './answer.ts'
import { refuseSocket, writeBareAnswer } from './https-server.ts'
import type { OpenStreams } from './open-streams.ts'
import { isFailure, notBuilt, requestIdOf } from './request-listener.ts'
import { sameOrigin } from './same-origin.ts'
import type { StreamHandlers } from './stream-handlers.ts'

export interface UpgradeListenerOptions {
  handlers: StreamHandlers
  authentication: Authentication & { keys: RackKeys }
  openStreams: OpenStreams
  log: Logger
}

type Listener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/**
 * Answers WebSockets as official Racks do (protocol.md 1.6 and 7): an unknown path or a foreign
 * `Origin` is refused before the upgrade; everything else is upgraded first, and an error, also of
 * authentication, is a text in the stream, because clients do not show a refused upgrade's body.
 */
export function createUpgradeListener(options: UpgradeListenerOptions): Listener {
  const { authentication } = options
  const server = new WebSocketServer({ noServer: true, ...FRAME_SOCKET_OPTIONS })
  const accepted = new WeakSet<IncomingMessage>()
  // What this request is called, for a client that is refused inside of the stream.
  const ids = new WeakMap<IncomingMessage, string>()
  server.on('headers', (headers, request) => {
    const id = ids.get(request)
    if (id !== undefined) headers.push(`Request-Id: ${id}`)
    if (!accepted.has(request)) return
    headers.push(`${KEY_GENERATION_HEADER}: ${authentication.keys.generation}`)
  })
  server.on('wsClientError', (_error, socket) => {
    refuseSocket(socket, new KeyrackError('invalid', 'this is not a valid WebSocket handshake'))
  })

  return (request, socket, head) => {
    socket.on('error', () => socket.destroy())
    const id = requestIdOf(request)
    const refused = (status: number): void => {
      options.log.info({ request_id: id, route: 'none', status, ms: 0 }, 'stream')
    }
    try {
      const match = matchStream(request)
      if (match === undefined) {
        writeBareAnswer(socket, NO_SUCH_ROUTE.status, { 'request-id': id }, NO_SUCH_ROUTE.body)
        return refused(NO_SUCH_ROUTE.status)
      }
      if (!sameOrigin(request.headers.origin, request.headers.host)) throw foreignOrigin()
      ids.set(request, id)
      const refusal = refusalOf(authentication, request, match.route)
      if (refusal === undefined) accepted.add(request)
      server.handleUpgrade(request, socket as Socket, head, (ws) => {
        void serve(options, { ws, socket, request, match, id, refusal })
      })
    } catch (error) {
      refused(refuseSocket(socket, error, id))
    }
  }
}

function matchStream(request: IncomingMessage): Match | undefined {
  const { path } = normalizePath(request.url ?? '')
  if (request.headers.upgrade?.toLowerCase() !== 'websocket') return undefined
  return matchRoute(request.method ?? '', path, true)
}

/** Why the client is not let in; it is told in the stream. */
function refusalOf(
  authentication: UpgradeListenerOptions['authentication'],
  { headers, socket }: IncomingMessage,
  route: Route,
): KeyrackError | undefined {
  const address = socket.remoteAddress ?? 'unknown'
  try {
    const asker = authenticate(authentication, headers.authorization, address)
    if ('keyId' in asker) authentication.keys.used(asker.keyId, address, headers['user-agent'])
    else permitToken(asker.role, route)
    return undefined
  } catch (error) {
    if (error instanceof KeyrackError) return error
    throw error
  }
}

interface Upgraded {
  ws: WebSocket
  socket: Duplex
  request: IncomingMessage
  match: Match
  id: string
  refusal: KeyrackError | undefined
}

async function serve(
  { handlers, openStreams, log }: UpgradeListenerOptions,
  { ws, socket, request, match, id, refusal }: Upgraded,
): Promise<void> {
  const started = performance.now()
  const { route, parameters } = match
  const stream = new FrameStream(ws, { socket })
  const signal = openStreams.add(stream, clientGone)
  const address = request.socket.remoteAddress
  let status = 101
  try {
    if (refusal !== undefined) throw refusal
    const handler = handlers.get(route.name)
    if (handler === undefined) throw notBuilt(route.name)
    const { headers } = request
    const exitCode = await handler({ parameters, headers, stream, signal, requestId: id })
    if (exitCode !== undefined) exitWith(stream, exitCode)
    else stream.end()
  } catch (error) {
    const known = error instanceof KeyrackError ? error : unexpected(id, error)
    status = stream.destroyed ? 499 : known.status
    if (isFailure(status)) {
      log.error({ request_id: id, route: route.name, err: error }, 'a stream failed')
    }
    failWith(stream, errorText(known), route.exitCode ? 1 : undefined)
  }
  const ms = Math.round(performance.now() - started)
  log.info({ request_id: id, route: route.name, status, ms, address }, 'stream')
}

function clientGone(): KeyrackError {
  return new KeyrackError('not-ready', 'the client closed the stream')
}

function foreignOrigin(): KeyrackError {
  return new KeyrackError('forbidden', 'streams are not opened for pages of another site', {
    field: 'Origin',
  })
}

function unexpected(id: string, cause: unknown): KeyrackError {
  return new KeyrackError('internal', 'the Rack failed while handling this stream', {
    hint: `its log has the reason under request ${id}`,
    cause,
  })
}
