import { KeyrackError } from '@keyrack/protocol'
import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { ConsoleContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { findSession } from '../sessions/find.ts'
import type { EdgeEnv } from './edge.ts'
import type { KeyAuthenticator } from './key-authenticator.ts'
import { requireOwnOrigin } from './same-origin.ts'
import { readSessionCookie } from './session-cookie.ts'

/** They change nothing and have no body of use. */
export const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** The account of the browser's session, if there is one. */
export async function sessionAccount(
  context: ConsoleContext,
  c: Context<EdgeEnv>,
): Promise<AccountEntry | undefined> {
  const cookie = readSessionCookie(c)
  const session = cookie === undefined ? undefined : await findSession(context, cookie)
  if (session !== undefined) c.env.facts.actorId = session.account.id
  return session?.account
}

/** For the Console's own protocol paths: a key and nothing else. */
export function requireKey(authenticate: KeyAuthenticator): MiddlewareHandler<EdgeEnv> {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const account = keyAccount(authenticate, c)
    if (account === undefined) throw noCredentials()
    c.set('account', account)
    await next()
  })
}

/** For `/api`: a key, or a session whose writes come from our own pages. A wrong key is never saved by a cookie. */
export function requireKeyOrSession(
  context: ConsoleContext,
  authenticate: KeyAuthenticator,
): MiddlewareHandler<EdgeEnv> {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const byKey = keyAccount(authenticate, c)
    const account = byKey ?? (await sessionAccount(context, c))
    if (account === undefined) throw noCredentials()
    if (byKey === undefined && !SAFE_METHODS.has(c.req.method)) {
      requireOwnOrigin(c.env.incoming.headers, c.env.facts)
    }
    c.set('account', account)
    await next()
  })
}

/** For writes that need no account yet: a sign-in forged by another site is an attack as well. */
export const requireOwnPage = createMiddleware<EdgeEnv>(async (c, next) => {
  requireOwnOrigin(c.env.incoming.headers, c.env.facts)
  await next()
})

function keyAccount(authenticate: KeyAuthenticator, c: Context<EdgeEnv>): AccountEntry | undefined {
  const { authorization } = c.env.incoming.headers
  if (authorization === undefined) return undefined
  const { facts } = c.env
  const account = authenticate(authorization, facts.address)
  facts.actorId = account.id
  return account
}

export function noCredentials(): KeyrackError {
  return new KeyrackError('unauthenticated', 'this needs an API key', {
    hint: 'run `convox login` with the key from your account page',
  })
}
