import { KeyrackError } from '@keyrack/protocol'
import { type Context, Hono } from 'hono'
import { signIn } from '../accounts/sign-in.ts'
import { signUp } from '../accounts/sign-up.ts'
import type { ConsoleContext } from '../context.ts'
import { isDeployKey } from '../directory.ts'
import { lastUseView } from '../key-uses/newest-use.ts'
import { endSession } from '../sessions/end.ts'
import { deployKeyView, viewAccount } from './account-view.ts'
import { SignInBody, SignUpBody } from './api-schemas.ts'
import { createAuditApi } from './audit-api.ts'
import {
  requireAnyKeyOrSession,
  requireConfidential,
  requireKeyOrSession,
  requireOwnPage,
  SAFE_METHODS,
} from './authenticate.ts'
import { cameThroughProxy } from './came-through-proxy.ts'
import { type EdgeEnv, requestContext } from './edge.ts'
import type { KeyAuthenticator } from './key-authenticator.ts'
import { createPeopleApi } from './people-api.ts'
import { rackSummary } from './rack-summary.ts'
import { createRacksApi } from './racks-api.ts'
import { receiveBody } from './read-body.ts'
import { readJson } from './read-input.ts'
import { createRegenerateApi } from './regenerate-api.ts'
import { clearSessionCookie, keepSession, readSessionCookie } from './session-cookie.ts'

/** The JSON API, below `/api`. It says over HTTP what the domain functions say; it decides nothing. */
export function createApi(
  context: ConsoleContext,
  authenticate: KeyAuthenticator,
  forgetRack: (rackId: string) => void,
): Hono<EdgeEnv> {
  const api = new Hono<EdgeEnv>()
  const known = requireKeyOrSession(context, authenticate)
  const anyKey = requireAnyKeyOrSession(context, authenticate)

  // Before anybody is authenticated, so that what counts are the rights of when it is complete.
  api.use(async (c, next) => {
    if (!SAFE_METHODS.has(c.req.method)) await receiveBody(c.env.incoming)
    await next()
  })

  api.post('/sign-up', requireConfidential, requireOwnPage, async (c) => {
    const { setup_token: setupToken, ...body } = await readJson(c, SignUpBody)
    const input = { ...body, setupToken, throughProxy: cameThroughProxy(c.env.incoming) }
    const made = await signUp(context, input, requestContext(c.env.facts))
    const { id, email, organization } = made
    return c.json({ id, api_key: made.apiKey.reveal(), email, organization }, 201)
  })

  api.post('/sign-in', requireConfidential, requireOwnPage, async (c) => {
    const body = await readJson(c, SignInBody)
    const { account, session } = await signIn(context, body, requestContext(c.env.facts))
    keepSession(c, context, session)
    return c.json({ id: account.id, email: account.email })
  })

  api.post('/sign-out', requireOwnPage, async (c) => {
    const cookie = readSessionCookie(c)
    if (cookie !== undefined) await endSession(context, cookie)
    clearSessionCookie(c)
    return c.body(null, 204)
  })

  api.get('/account', anyKey, async (c) => {
    if (isDeployKey(c.var.actor)) return c.json(deployKeyView(c.var.actor))
    const view = await viewAccount(context, c.var.actor)
    return c.json({
      id: view.id,
      email: view.email,
      server_administrator: view.serverAdministrator,
      organizations: view.organizations,
      api_key: {
        last_four: view.apiKey.lastFour,
        created_at: new Date(view.apiKey.createdAt).toISOString(),
        last_used: lastUseView(view.apiKey.lastUse),
      },
    })
  })

  api.route('/', createRegenerateApi(context, known))
  api.route('/', createPeopleApi(context, known))
  api.route('/', createAuditApi(context, known))

  api.get('/racks', anyKey, (c) => {
    const racks = context.directory.racksOf(c.var.actor)
    return c.json(racks.map((rack) => ({ id: rack.id, ...rackSummary(rack) })))
  })
  api.use('/racks/*', known)
  api.route('/racks', createRacksApi(context, forgetRack))

  api.all('*', noSuchRoute)
  return api
}

function noSuchRoute(_c: Context): never {
  throw new KeyrackError('not-found', 'the API has no such route')
}
