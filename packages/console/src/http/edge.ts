import type { IncomingMessage } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import { type ErrorAnswer, requestId } from '@keyrack/server'
import type { ConsoleContext, RequestContext } from '../context.ts'
import type { AccountEntry, Actor } from '../directory.ts'
import { createClientReader } from './client-address.ts'
import { hostName, isLoopbackHost } from './host-check.ts'
import { SECURITY_HEADERS } from './security-headers.ts'

/** What the edge knows about one request before any route runs. */
export interface RequestFacts {
  requestId: string
  method: string
  address: string
  host: string
  /** True when the browser saw https. */
  secure: boolean
  /** True when nobody between the browser and us can listen: https, or this machine. */
  confidential: boolean
  startedAt: number
  /** For the access log and the metrics: a route's name, never the path that was asked for. */
  route: string
  /** The account or deploy key that was authenticated, for the access log. */
  actorId: string | null
}

/** Hono's environment in this folder and in web/. */
export interface EdgeEnv {
  Bindings: HttpBindings & { facts: RequestFacts }
  /** Set by the middleware that authenticated the request. */
  Variables: { account: AccountEntry; actor: Actor }
}

type FactsReader = (request: IncomingMessage) => RequestFacts

export function createFactsReader({ config, clock }: ConsoleContext): FactsReader {
  const clientOf = createClientReader(config.trustedProxies)
  const publicUrl = config.publicUrl === undefined ? undefined : new URL(config.publicUrl)
  return (request) => {
    const client = clientOf(request)
    const host = request.headers.host ?? ''
    const isPublic = publicUrl?.protocol === 'https:' && hostName(host) === publicUrl.hostname
    const secure = client.secure || isPublic
    const given = request.headers['x-request-id']
    return {
      requestId: requestId(typeof given === 'string' ? given : undefined),
      method: request.method ?? '',
      address: client.address,
      host,
      secure,
      confidential: secure || isLoopbackHost(host),
      startedAt: clock(),
      route: 'unmatched',
      actorId: null,
    }
  }
}

/** What domain functions want to know about the caller. */
export function requestContext(facts: RequestFacts): RequestContext {
  return { requestId: facts.requestId, address: facts.address }
}

/** The headers of an error answer that is written without Hono. */
export function errorHeaders(answer: ErrorAnswer, facts: RequestFacts): Record<string, string> {
  return { ...SECURITY_HEADERS, ...answer.headers, 'X-Request-Id': facts.requestId }
}
