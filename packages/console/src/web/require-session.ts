import { createMiddleware } from 'hono/factory'
import type { ConsoleContext } from '../context.ts'
import { sessionAccount } from '../http/authenticate.ts'
import type { EdgeEnv } from '../http/edge.ts'

/** For pages that belong to a person: without a session the way leads to the sign-in form. */
export function requireSession(context: ConsoleContext) {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    const account = await sessionAccount(context, c)
    if (account === undefined) return c.redirect('/sign-in', 303)
    c.set('account', account)
    return next()
  })
}
