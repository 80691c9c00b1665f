import { errorText, KeyrackError } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'
import { type Context, Hono } from 'hono'
import { confirmPassword } from '../accounts/confirm-password.ts'
import { regenerateApiKey } from '../api-keys/regenerate-api-key.ts'
import type { ConsoleContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { logFailure } from '../http/access-log.ts'
import { viewAccount } from '../http/account-view.ts'
import type { Login } from '../http/app.ts'
import { noCredentials, requireOwnPage, sessionAccount } from '../http/authenticate.ts'
import { type EdgeEnv, requestContext } from '../http/edge.ts'
import { listsHtml } from '../http/lists-html.ts'
import { readForm } from '../http/read-input.ts'
import { newId } from '../new-id.ts'
import { createAccountPages } from './account-pages.tsx'
import { ApiKeyPage } from './api-key-page.tsx'
import { findAsset } from './assets.ts'
import { createDeployKeyPages } from './deploy-key-pages.tsx'
import { createDoor, SIGNED_IN, showDoor } from './door.tsx'
import { sentence } from './form-failure.ts'
import { createJoinPages } from './join-pages.tsx'
import { createMemberPages } from './member-pages.tsx'
import { MessagePage } from './message-page.tsx'
import { createRackPages } from './rack-pages.tsx'
import { RacksPage } from './racks-page.tsx'
import { RegeneratePage, ShowAgainPage } from './regenerate-page.tsx'
import { render, renderError } from './render.ts'
import { requireSession } from './require-session.ts'
import { returnPath } from './return-path.ts'
import { ShownApiKeyPage } from './shown-api-key-page.tsx'

/** What a browser sees. Pages call the same domain functions as the API and hold no logic. */
export function createPages(context: ConsoleContext, login: Login): Hono<EdgeEnv> {
  const pages = new Hono<EdgeEnv>()
  const signedIn = requireSession(context)

  pages.get('/', async (c) => {
    const account = await sessionAccount(context, c)
    if (account === undefined) return showDoor(context, c)
    if (c.req.query(SIGNED_IN) !== undefined) {
      return c.redirect(returnPath(c.req.query('to')) ?? '/', 303)
    }
    const racks = context.directory.racksOf(account)
    const administered = context.directory
      .organizationsOf(account)
      .filter(({ id }) => account.roles.get(id) === 'administrator')
      .map(({ name }) => name)
    return render(c, <RacksPage {...{ email: account.email, racks, administered, login }} />)
  })

  pages.route('/', createDoor(context, login))

  pages.route('/', createAccountPages(context))

  pages.get('/account/api-key', signedIn, async (c) => {
    const account = await viewAccount(context, c.var.account)
    return render(c, <ApiKeyPage account={account} />)
  })

  pages.get('/account/api-key/regenerate', signedIn, async (c) => {
    const account = await viewAccount(context, c.var.account)
    return render(c, <RegeneratePage account={account} roll={newId()} />)
  })

  pages.post('/account/api-key', requireOwnPage, signedIn, async (c) => {
    const { id, email } = c.var.account
    const request = requestContext(c.env.facts)
    const typed = c.req.header('content-type') !== undefined
    const form: ReadonlyMap<string, string> = typed ? await readForm(c) : new Map()
    const [roll, password] = [form.get('roll'), form.get('password')]
    try {
      const proof =
        password === undefined
          ? undefined
          : await confirmPassword(context, c.var.account, Secret.of(password), request)
      const { apiKey } = await regenerateApiKey(context, id, request, { roll, proof })
      const page = (
        <ShownApiKeyPage email={email} apiKey={apiKey.reveal()} first={false} login={login} />
      )
      return render(c, page, 201)
    } catch (error) {
      // The same form sent twice: its key is shown again for the password.
      if (!(error instanceof KeyrackError) || roll === undefined) throw error
      if (error.field !== 'password' && error.code !== 'throttled') throw error
      const account = await viewAccount(context, c.var.account)
      const problem = password === undefined ? undefined : sentence(errorText(error))
      const page = <ShowAgainPage account={account} roll={roll} problem={problem} />
      return renderError(c, page, error)
    }
  })

  pages.route('/', createRackPages(context))
  pages.route('/', createJoinPages(context))
  pages.route('/', createMemberPages(context))
  pages.route('/', createDeployKeyPages(context, login))

  pages.get('/assets/:file', (c) => {
    const asset = findAsset(c.req.path)
    if (asset === undefined) return c.body(null, 404)
    const keep = {
      'Content-Type': asset.type,
      'Cache-Control': 'public, max-age=31536000, immutable',
    }
    return c.body(asset.body, 200, keep)
  })

  pages.all('*', async (c) => {
    // With a key this would have gone to a Rack, whatever it is.
    if (!listsHtml(c.req.header('accept'))) throw noCredentials()
    const account = await sessionAccount(context, c)
    if (account === undefined) return c.redirect('/sign-in', 303)
    const text = 'There is no page at this address.'
    const { requestId } = c.env.facts
    const page = <MessagePage title="Not found" {...{ text, requestId, email: account.email }} />
    return render(c, page, 404)
  })

  pages.onError((error, c) => showError(context, error, c))
  return pages
}

function showError(context: ConsoleContext, error: Error, c: Context<EdgeEnv>) {
  if (!listsHtml(c.req.header('accept'))) throw error
  const { facts } = c.env
  // Whoever is known by now keeps the navigation.
  const account: AccountEntry | undefined = c.get('account')
  const shown = { requestId: facts.requestId, email: account?.email }
  if (error instanceof KeyrackError) {
    logFailure(context, facts, error.status, error)
    const title = error.status === 404 ? 'Not found' : 'That did not work'
    const text = sentence(errorText(error))
    return renderError(c, <MessagePage title={title} text={text} {...shown} />, error)
  }
  logFailure(context, facts, 500, error)
  const text = 'The server’s log says why, under the request below.'
  return render(c, <MessagePage title="Something failed here" text={text} {...shown} />, 500)
}
