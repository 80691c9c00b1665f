import { KeyrackError } from '@keyrack/protocol'
import { type Context, Hono } from 'hono'
import { changePassword } from '../accounts/change-password.ts'
import { confirmPassword } from '../accounts/confirm-password.ts'
import type { ConsoleContext } from '../context.ts'
import { viewAccount } from '../http/account-view.ts'
import { ChangePasswordBody } from '../http/api-schemas.ts'
import { requireConfidential, requireOwnPage } from '../http/authenticate.ts'
import { type EdgeEnv, requestContext } from '../http/edge.ts'
import { parseInput, readForm } from '../http/read-input.ts'
import { keepSession, readSessionCookie } from '../http/session-cookie.ts'
import { endOtherSessions } from '../sessions/end.ts'
import { findSession } from '../sessions/find.ts'
import { listSessions } from '../sessions/list.ts'
import { AccountPage } from './account-page.tsx'
import { formFailure, requireFields } from './form-failure.ts'
import { PASSWORD_FIELDS, PasswordPage } from './password-page.tsx'
import { type Refused, refusalOf } from './refused.ts'
import { render, renderError } from './render.ts'
import { requireSession } from './require-session.ts'

/** An account, its password and where it is signed in. The API key has its pages in pages.tsx. */
export function createAccountPages(context: ConsoleContext): Hono<EdgeEnv> {
  const pages = new Hono<EdgeEnv>()
  const signedIn = requireSession(context)

  pages.get('/account', signedIn, async (c) => {
    const account = await viewAccount(context, c.var.account)
    const sessions = await listSessions(context, account.id)
    const own = await ownSession(context, c)
    return render(c, <AccountPage account={account} sessions={sessions} own={own} />)
  })

  pages.get('/account/sign-out-others', signedIn, (c) => c.redirect('/account', 303))
  pages.post('/account/sign-out-others', requireOwnPage, signedIn, async (c) => {
    const own = await ownSession(context, c)
    if (own !== undefined) await endOtherSessions(context, c.var.account.id, own)
    return c.redirect('/account', 303)
  })

  pages.get('/account/password', signedIn, (c) => showPassword(c))
  pages.post('/account/password', requireConfidential, requireOwnPage, signedIn, async (c) => {
    const form = await readForm(c)
    const request = requestContext(c.env.facts)
    const { account } = c.var
    try {
      requireFields(form, PASSWORD_FIELDS)
      const typed = { current: form.get('current'), password: form.get('password') }
      const { current, password } = parseInput(typed, ChangePasswordBody)
      const proof = await confirmPassword(context, account, current, request).catch(ofCurrent)
      const session = await changePassword(context, account, { proof, password }, request)
      keepSession(c, context, session)
      return c.redirect('/account', 303)
    } catch (error) {
      return showPassword(c, { form, error: refusalOf(context, c, error) })
    }
  })

  return pages
}

function showPassword(c: Context<EdgeEnv>, refused?: Refused) {
  const { email } = c.var.account
  const failure = refused && formFailure(refused.error, PASSWORD_FIELDS)
  const page = <PasswordPage email={email} failure={failure} />
  return refused === undefined ? render(c, page) : renderError(c, page, refused.error)
}

/** The form has two passwords: that this one is wrong belongs to the first. */
function ofCurrent(error: unknown): never {
  if (!(error instanceof KeyrackError) || error.field !== 'password') throw error
  throw new KeyrackError('invalid', error.message, { field: 'current' })
}

async function ownSession(
  context: ConsoleContext,
  c: Context<EdgeEnv>,
): Promise<string | undefined> {
  const cookie = readSessionCookie(c)
  return cookie === undefined ? undefined : (await findSession(context, cookie))?.id
}
