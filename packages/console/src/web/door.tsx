import { KeyrackError } from '@keyrack/protocol'
import { type Context, Hono } from 'hono'
import { createMiddleware } from 'hono/factory'
import { signIn } from '../accounts/sign-in.ts'
import { signUp } from '../accounts/sign-up.ts'
import type { ConsoleContext } from '../context.ts'
import { SignInBody, SignUpBody } from '../http/api-schemas.ts'
import type { Login } from '../http/app.ts'
import { requireOwnPage, sessionAccount } from '../http/authenticate.ts'
import { cameThroughProxy } from '../http/came-through-proxy.ts'
import { type EdgeEnv, requestContext } from '../http/edge.ts'
import { invitationCode } from '../http/invitation-url.ts'
import { parseInput, readForm } from '../http/read-input.ts'
import { clearSessionCookie, keepSession, readSessionCookie } from '../http/session-cookie.ts'
import { createSession } from '../sessions/create.ts'
import { endSession } from '../sessions/end.ts'
import { type FormFailure, formFailure, requireFields } from './form-failure.ts'
import { MessagePage } from './message-page.tsx'
import { render, renderError } from './render.ts'
import { UNSENT } from './require-session.ts'
import { returnPath } from './return-path.ts'
import { ShownApiKeyPage } from './shown-api-key-page.tsx'
import { SignInPage } from './sign-in-page.tsx'
import { SIGN_UP_FIELDS, SignUpPage } from './sign-up-page.tsx'

/** What is before the door: signing up, in and out. */
export function createDoor(context: ConsoleContext, login: Login): Hono<EdgeEnv> {
  const door = new Hono<EdgeEnv>()

  door.get('/sign-up', confidential, async (c) => {
    // An invitation's code is behind the `#`, which the browser takes along.
    if ((await sessionAccount(context, c)) !== undefined) return c.redirect('/join', 303)
    return showSignUp(context, c)
  })
  door.post('/sign-up', confidential, requireOwnPage, async (c) => {
    const form = await readForm(c)
    try {
      requireFields(form, ['email', 'password'])
      const pasted = form.get('invitation')
      const { setup_token: setupToken, ...input } = parseInput(
        pick(form, SIGN_UP_FIELDS),
        SignUpBody,
      )
      const invitation = pasted === undefined ? undefined : invitationCode(pasted)
      const throughProxy = cameThroughProxy(c.env.incoming)
      const made = await signUp(
        context,
        { ...input, invitation, setupToken, throughProxy },
        requestContext(c.env.facts),
      )
      c.env.facts.actorId = made.id
      await openSession(context, c, made.id)
      const apiKey = made.apiKey.reveal()
      return render(
        c,
        <ShownApiKeyPage email={made.email} apiKey={apiKey} first login={login} />,
        201,
      )
    } catch (error) {
      const refusal = { form, error: expected(error) }
      return (await showSignedUp(context, c, refusal)) ?? showSignUp(context, c, refusal)
    }
  })

  door.get('/sign-in', confidential, (c) => showDoor(context, c))
  door.post('/sign-in', confidential, requireOwnPage, async (c) => {
    const form = await readForm(c)
    const email = form.get('email')
    const to = returnPath(form.get('to'))
    try {
      requireFields(form, ['email', 'password'])
      const input = parseInput(pick(form, ['email', 'password']), SignInBody)
      const { account, session } = await signIn(context, input, requestContext(c.env.facts))
      c.env.facts.actorId = account.id
      keepSession(c, context, session)
      // The mark lets the next page tell a dropped cookie from a fresh visitor.
      const on = to === undefined ? '' : `&to=${encodeURIComponent(to)}`
      return c.redirect(`/?${SIGNED_IN}${on}`, 303)
    } catch (cause) {
      const error = expected(cause)
      const failure = formFailure(error, ['email', 'password'])
      return renderError(c, <SignInPage {...{ email, failure, to }} />, error)
    }
  })

  door.post('/sign-out', requireOwnPage, async (c) => {
    const cookie = readSessionCookie(c)
    if (cookie !== undefined) await endSession(context, cookie)
    clearSessionCookie(c)
    return c.redirect('/', 303)
  })
  return door
}

export const SIGNED_IN = 'signed-in'

/** The account is there and its key is shown this once, so a session that fails must not hide it. */
async function openSession(context: ConsoleContext, c: Context<EdgeEnv>, accountId: string) {
  const request = requestContext(c.env.facts)
  try {
    keepSession(c, context, await createSession(context, accountId, request))
  } catch (error) {
    context.log.error({ err: error, request_id: request.requestId }, 'signed up without a session')
  }
}

/** What a visitor without a session sees at `/`: the form that is of use now. */
export async function showDoor(context: ConsoleContext, c: Context<EdgeEnv>) {
  if (!c.env.facts.confidential) return notConfidential(c)
  const to = returnPath(c.req.query('to'))
  if ((await sessionAccount(context, c)) !== undefined) return c.redirect(to ?? '/', 303)
  if (context.directory.empty) return showSignUp(context, c)
  const page = (
    <SignInPage
      to={to}
      unsent={c.req.query(UNSENT) !== undefined}
      cookieLost={c.req.query(SIGNED_IN) !== undefined}
    />
  )
  return render(c, page)
}

interface Refused {
  form: ReadonlyMap<string, string>
  error: KeyrackError
}

function showSignUp(
  { directory, setupToken }: ConsoleContext,
  c: Context<EdgeEnv>,
  refused?: Refused,
) {
  const first = directory.empty
  const fields = SIGN_UP_FIELDS.filter((name) =>
    name === 'invitation' ? !first : name !== 'setup_token' || (first && setupToken !== undefined),
  )
  const failure: FormFailure | undefined = refused && formFailure(refused.error, fields)
  const page = <SignUpPage fields={fields} first={first} values={refused?.form} failure={failure} />
  return refused === undefined ? render(c, page) : renderError(c, page, refused.error)
}

/** The form of a sign-up that is over, sent again: its key was shown by the first answer only. */
async function showSignedUp(
  context: ConsoleContext,
  c: Context<EdgeEnv>,
  { form, error }: Refused,
) {
  const account = await sessionAccount(context, c)
  if (account === undefined || account.email !== form.get('email')?.trim().toLowerCase()) return
  const text = `You have signed up as ${account.email} and are signed in. The API key was shown once; if you did not copy it, regenerate it.`
  const way = { href: '/account/api-key', words: 'To your API key' }
  const page = (
    <MessagePage title="Your account is there already" {...{ text, way, email: account.email }} />
  )
  return renderError(c, page, error)
}

/** A password is neither asked for nor taken where others can read along. */
const confidential = createMiddleware<EdgeEnv>(async (c, next) => {
  return c.env.facts.confidential ? next() : notConfidential(c)
})

function notConfidential(c: Context<EdgeEnv>) {
  const text =
    'This address is not encrypted, so a password typed here could be read on its way. Open the Console by its https address, or by localhost on the machine it runs on.'
  return render(c, <MessagePage title="Open this over https" text={text} />, 403)
}

function pick(form: ReadonlyMap<string, string>, names: readonly string[]) {
  return Object.fromEntries([...form].filter(([name]) => names.includes(name)))
}

/** A user's mistake goes back into the form; anything else is not the form's to explain. */
function expected(error: unknown): KeyrackError {
  if (error instanceof KeyrackError && error.status < 500) return error
  throw error
}
