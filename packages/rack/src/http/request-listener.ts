import type { IncomingMessage, ServerResponse } from 'node:http'
import { KEY_GENERATION_HEADER, KeyrackError, matchRoute, normalizePath } from '@keyrack/protocol'
import {
  errorResponse,
  type Health,
  type Logger,
  requestId as readRequestId,
} from '@keyrack/server'
import { permitToken } from '../access-tokens/permit-token.ts'
import { type Authentication, authenticate } from '../rack-keys/authenticate.ts'
import type { RackKeys } from '../rack-keys/rack-keys.ts'
import { type Answer, NO_SUCH_ROUTE, textAnswer } from './answer.ts'
import { readForm } from './read-form.ts'
import type { RouteHandler, RouteHandlers } from './route-handlers.ts'
import { sameOrigin } from './same-origin.ts'
import { skipBody } from './skip-body.ts'

export interface RequestListenerOptions {
  handlers: RouteHandlers
  authentication: Authentication & { keys: RackKeys }
  health: Health
  log: Logger
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Answers HTTP requests: match, authenticate, handle, one log line. */
export function createRequestListener(options: RequestListenerOptions): Listener {
  const { log } = options
  return (request, response) => {
    const started = performance.now()
    const id = requestIdOf(request)
    const seen: Seen = { routeName: 'none', authenticated: false }
    response.once('close', () => {
      const ms = Math.round(performance.now() - started)
      const address = request.socket.remoteAddress
      // 499, as proxies log it: the client left before it had an answer.
      const status = response.headersSent ? response.statusCode : 499
      log.info({ request_id: id, route: seen.routeName, status, ms, address }, 'request')
    })
    dispatch(options, request, id, seen)
      .catch((error: unknown) => {
        const answer = errorResponse(error, id)
        if (isFailure(answer.status)) {
          log.error({ request_id: id, route: seen.routeName, err: error }, 'a request failed')
        }
        return answer
      })
      .then((answer) => {
        const { generation } = options.authentication.keys
        const known = seen.authenticated ? { [KEY_GENERATION_HEADER]: String(generation) } : {}
        send(request, response, { ...answer, headers: { ...answer.headers, ...known } }, id)
      })
      .catch((error: unknown) => {
        log.error({ request_id: id, route: seen.routeName, err: error }, 'an answer was not sent')
        response.destroy()
      })
  }
}

interface Seen {
  /** For the log: a name from the route table, never the path, which can hold anything. */
  routeName: string
  authenticated: boolean
}

/** Open to anybody: how a Console that has lost the key gets it back. Both are limited. */
const OPEN_ROUTES = new Set(['key.challenge', 'key.recover'])

async function dispatch(
  { handlers, authentication, health }: RequestListenerOptions,
  request: IncomingMessage,
  requestId: string,
  seen: Seen,
): Promise<Answer> {
  const { path, query } = normalizePath(request.url ?? '')
  const method = request.method ?? ''
  if (method === 'GET' && path === '/livez') {
    seen.routeName = 'livez'
    return health.livez()
  }
  if (method === 'GET' && path === '/readyz') {
    seen.routeName = 'readyz'
    return health.readyz()
  }
  // Unknown routes, and streams asked for without an upgrade, are 404 before any authentication.
  const match = matchRoute(method, path)
  if (match === undefined) return NO_SUCH_ROUTE
  const { route, parameters } = match
  seen.routeName = route.name
  // A browser that was once given the key in a password box sends it along from any site.
  if (!sameOrigin(request.headers.origin, request.headers.host)) throw foreignOrigin()
  // For load balancers, which have no key.
  if (route.name === 'check') return textAnswer('ok')

  const address = request.socket.remoteAddress ?? 'unknown'
  const { authorization, 'user-agent': userAgent } = request.headers
  if (OPEN_ROUTES.has(route.name)) {
    const form = await readForm(request, query)
    return handlerOf(handlers, route.name)({ parameters, form, requestId, address })
  }
  const asker = authenticate(authentication, authorization, address)
  seen.authenticated = true
  if ('keyId' in asker) authentication.keys.used(asker.keyId, address, userAgent)
  else permitToken(asker.role, route)
  const handler = handlerOf(handlers, route.name)
  const form = await readForm(request, query)
  // A body can be held back until the key that came with its head has been retired (CWE-367).
  authenticate(authentication, authorization, address)
  return handler({ parameters, form, requestId, address, asker })
}

function handlerOf(handlers: RouteHandlers, routeName: string): RouteHandler {
  const handler = handlers.get(routeName)
  if (handler === undefined) throw notBuilt(routeName)
  return handler
}

function send(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Answer,
  id: string,
): void {
  if (response.destroyed) return
  response.writeHead(answer.status, {
    ...answer.headers,
    'request-id': id,
    'x-content-type-options': 'nosniff',
    'content-length': Buffer.byteLength(answer.body),
  })
  response.end(answer.body)
  // A body that nobody wanted is still read, within limits, so that the client gets to the answer.
  if (!request.complete) skipBody(request).catch(() => request.destroy())
}

/** The caller's id when it is safe to repeat (a Console sends its own), else a new one. */
export function requestIdOf({ headers }: Pick<IncomingMessage, 'headers'>): string {
  const given = headers['request-id'] ?? headers['x-request-id']
  return readRequestId(typeof given === 'string' ? given : undefined)
}

function foreignOrigin(): KeyrackError {
  return new KeyrackError('forbidden', 'a page of another site may not ask a Rack', {
    field: 'Origin',
  })
}

/** What an operator should see as an error: not what a client did, and not what is not built yet. */
export function isFailure(status: number): boolean {
  return status >= 500 && status !== 501
}

export function notBuilt(routeName: string): KeyrackError {
  return new KeyrackError('not-implemented', `this Rack does not have ${routeName} yet`)
}
