import { createMiddleware } from 'hono/factory'
import type { ConsoleContext } from '../context.ts'
import { SAFE_METHODS, sessionAccount } from '../http/authenticate.ts'
import type { EdgeEnv } from '../http/edge.ts'
import { receiveBody } from '../http/read-body.ts'

/** For pages that belong to a person: without a session the way leads to the sign-in form. */
export function requireSession(context: ConsoleContext) {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    // A form that is held back counts with the session as it is when the form is complete.
    if (!SAFE_METHODS.has(c.req.method)) await receiveBody(c.env.incoming)
    const account = await sessionAccount(context, c)
    if (account === undefined) return c.redirect('/sign-in', 303)
    c.set('account', account)
    return next()
  })
}
