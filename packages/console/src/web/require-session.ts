import { createMiddleware } from 'hono/factory'
import type { ConsoleContext } from '../context.ts'
import { SAFE_METHODS, sessionAccount } from '../http/authenticate.ts'
import type { EdgeEnv } from '../http/edge.ts'
import { receiveBody } from '../http/read-body.ts'

/** In the address of the sign-in form: a form arrived without a session. */
export const UNSENT = 'unsent'

/** For pages that belong to a person: without a session the way leads to the sign-in form. */
export function requireSession(context: ConsoleContext) {
  return createMiddleware<EdgeEnv>(async (c, next) => {
    // A form that is held back counts with the session as it is when the form is complete.
    if (!SAFE_METHODS.has(c.req.method)) await receiveBody(c.env.incoming)
    const account = await sessionAccount(context, c)
    if (account === undefined) {
      // What was sent is not kept: it may hold a password, and would act without being looked at.
      const unsent = SAFE_METHODS.has(c.req.method) ? '' : `${UNSENT}&`
      return c.redirect(`/sign-in?${unsent}to=${encodeURIComponent(c.req.path)}`, 303)
    }
    c.set('account', account)
    return next()
  })
}
