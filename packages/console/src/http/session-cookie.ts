import type { Context } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { ConsoleContext } from '../context.ts'
import type { NewSession } from '../sessions/create.ts'

/**
 * `__Host-`: only this exact origin can have set it, and only over https or, in browsers that count
 * this machine as safe (Chromium, Firefox), on localhost. Elsewhere on plain http it is dropped, and
 * the sign-in page says so. Lax, because a link in a mail should find the person signed in; writes
 * check their origin besides.
 */
const ATTRIBUTES = {
  prefix: 'host',
  path: '/',
  secure: true,
  httpOnly: true,
  sameSite: 'Lax',
} as const
const NAME = 'session'

export function readSessionCookie(c: Context): string | undefined {
  return getCookie(c, NAME, 'host') || undefined
}

/** The cookie lives as long as the session may at most; the server ends it earlier when it is idle. */
export function keepSession(
  c: Context,
  { clock }: Pick<ConsoleContext, 'clock'>,
  { token, expiresAt }: NewSession,
): void {
  const maxAge = Math.max(0, Math.floor((expiresAt - clock()) / 1000))
  setCookie(c, NAME, token.reveal(), { ...ATTRIBUTES, maxAge })
}

export function clearSessionCookie(c: Context): void {
  deleteCookie(c, NAME, ATTRIBUTES)
}
