import { KeyrackError } from '@keyrack/protocol'
import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { ConsoleContext } from '../context.ts'
import { type AccountEntry, type Actor, isDeployKey } from '../directory.ts'
import { deployKeyRefused } from '../organizations/deploy-key-refused.ts'
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

/** For the Console's own protocol paths: a key and nothing else. Deploy keys may use all of them. */
export function requireKey(authenticate: KeyAuthenticator): MiddlewareHandler<EdgeEnv> {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const actor = keyActor(authenticate, c)
    if (actor === undefined) throw noCredentials()
    c.set('actor', actor)
    await next()
  })
}

/** For `/api`: a person, by their key or a session whose writes come from our own pages. A wrong key is never saved by a cookie. */
export function requireKeyOrSession(
  context: ConsoleContext,
  authenticate: KeyAuthenticator,
): MiddlewareHandler<EdgeEnv> {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const actor = await keyOrSession(context, authenticate, c)
    if (isDeployKey(actor)) throw deployKeyRefused()
    c.set('account', actor)
    await next()
  })
}

/** The same, for what a deploy key may ask as well. */
export function requireAnyKeyOrSession(
  context: ConsoleContext,
  authenticate: KeyAuthenticator,
): MiddlewareHandler<EdgeEnv> {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    c.set('actor', await keyOrSession(context, authenticate, c))
    await next()
  })
}

async function keyOrSession(
  context: ConsoleContext,
  authenticate: KeyAuthenticator,
  c: Context<EdgeEnv>,
): Promise<Actor> {
  const byKey = keyActor(authenticate, c)
  const actor = byKey ?? (await sessionAccount(context, c))
  if (actor === undefined) throw noCredentials()
  if (byKey === undefined && !SAFE_METHODS.has(c.req.method)) {
    requireOwnOrigin(c.env.incoming.headers, c.env.facts)
  }
  return actor
}

/** For writes that need no account yet: a sign-in forged by another site is an attack as well. */
export const requireOwnPage = createMiddleware<EdgeEnv>(async (c, next) => {
  requireOwnOrigin(c.env.incoming.headers, c.env.facts)
  await next()
})

/** A password is not taken where others can read along; the pages do not even ask for it there. */
export const requireConfidential = createMiddleware<EdgeEnv>(async (c, next) => {
  if (!c.env.facts.confidential) {
    throw new KeyrackError(
      'forbidden',
      'this address is not encrypted, so a password sent here could be read on its way',
      { hint: 'use the https address, or localhost on the machine the Console runs on' },
    )
  }
  await next()
})

function keyActor(authenticate: KeyAuthenticator, c: Context<EdgeEnv>): Actor | undefined {
  const { authorization, 'user-agent': client } = c.env.incoming.headers
  if (authorization === undefined) return undefined
  const { facts } = c.env
  const actor = authenticate(authorization, facts.address, client)
  facts.actorId = actor.id
  return actor
}

export function noCredentials(): KeyrackError {
  return new KeyrackError('unauthenticated', 'this needs an API key', {
    hint: 'run `convox login` with the key from your account page',
  })
}
