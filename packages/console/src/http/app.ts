import { errorResponse } from '@keyrack/server'
import { Hono } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { ConsoleContext } from '../context.ts'
import { createPages } from '../web/pages.tsx'
import { logFailure } from './access-log.ts'
import { createApi } from './api.ts'
import type { EdgeEnv } from './edge.ts'
import type { KeyAuthenticator } from './key-authenticator.ts'
import type { Owner } from './ownership.ts'
import { createProtocolRoutes } from './protocol-routes.ts'
import { NO_STORE, SECURITY_HEADERS } from './security-headers.ts'

export type Apps = Readonly<Record<Exclude<Owner, 'rack'>, Hono<EdgeEnv>>>

export interface Login {
  /** What a person types after `convox login`. */
  host: string
  /** SHA-256 of the certificate they will be shown, in hex. */
  fingerprint: string
}

/** One Hono application per owner, so that no route can answer for another's paths. */
export function createApps(
  context: ConsoleContext,
  authenticate: KeyAuthenticator,
  login: Login,
  forgetRack: (rackId: string) => void,
): Apps {
  const api = createApi(context, authenticate, forgetRack)
  return {
    console: framed(context, createProtocolRoutes(context, authenticate)),
    api: framed(context, new Hono<EdgeEnv>().route('/api', api)),
    page: framed(context, createPages(context, login)),
  }
}

/** What every answer of ours has: its headers, its name for the log, and one mapping of errors. */
function framed(context: ConsoleContext, routes: Hono<EdgeEnv>): Hono<EdgeEnv> {
  const app = new Hono<EdgeEnv>()
  app.use(async (c, next) => {
    await next()
    const { facts } = c.env
    facts.route = routeName(c.req.method, matchedRoutes(c))
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) c.res.headers.set(name, value)
    c.res.headers.set('X-Request-Id', facts.requestId)
    if (!c.res.headers.has('Cache-Control')) c.res.headers.set('Cache-Control', NO_STORE)
  })
  app.onError((error, c) => {
    const answer = errorResponse(error, c.env.facts.requestId)
    logFailure(context, c.env.facts, answer.status, error)
    return new Response(answer.body, answer)
  })
  return app.route('/', routes)
}

/** `get.api.account` for the log and the metrics: from the pattern of the route, never from the path. */
function routeName(
  method: string,
  matched: ReadonlyArray<{ path: string; method: string }>,
): string {
  // Middleware and the catch-alls behind it are registered for every method.
  const pattern = matched.findLast((route) => route.method === method)?.path
  if (pattern === undefined) return 'unmatched'
  const segments = pattern.split('/').filter(Boolean)
  const words = segments.length === 0 ? ['start'] : segments.map((word) => word.replace(':', ''))
  return [method.toLowerCase(), ...words].join('.')
}
