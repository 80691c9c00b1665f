import { KeyrackError } from '@keyrack/protocol'
import { type Context, Hono } from 'hono'
import type { ConsoleContext } from '../context.ts'
import { createDeployKey } from '../deploy-keys/create-deploy-key.ts'
import { type ListedDeployKey, listDeployKeys } from '../deploy-keys/list-deploy-keys.ts'
import { revokeDeployKey } from '../deploy-keys/revoke-deploy-key.ts'
import { DeployKeyBody } from '../http/api-schemas.ts'
import type { Login } from '../http/app.ts'
import { requireOwnPage } from '../http/authenticate.ts'
import { type EdgeEnv, requestContext } from '../http/edge.ts'
import { parseInput, readForm } from '../http/read-input.ts'
import { DeployKeyPage } from './deploy-key-page.tsx'
import { CREATE_FIELDS, DeployKeysPage } from './deploy-keys-page.tsx'
import { formFailure, requireFields, requireTyped, sentence } from './form-failure.ts'
import { deployKeysPath } from './organization-head.tsx'
import { type Refused, refusalOf } from './refused.ts'
import { render, renderError } from './render.ts'
import { requireSession } from './require-session.ts'
import { RevokePage } from './revoke-page.tsx'

const KEYS = '/deploy-keys/:organization'
const KEY = `${KEYS}/:key`

/** The keys of an organization's CI. What a form asks for is what the JSON API is asked for. */
export function createDeployKeyPages(context: ConsoleContext, login: Login): Hono<EdgeEnv> {
  const pages = new Hono<EdgeEnv>()
  const signedIn = requireSession(context)

  pages.get(KEYS, signedIn, (c) => showKeys(context, c))

  // A form that was refused stands at an address of its own, and can be loaded again there.
  pages.get(`${KEYS}/create`, signedIn, (c) => c.redirect(deployKeysPath(named(c)), 303))
  pages.post(`${KEYS}/create`, requireOwnPage, signedIn, async (c) => {
    const form = await readForm(c)
    try {
      requireFields(form, CREATE_FIELDS)
      const days = form.get('expires_in_days')
      const asked = {
        name: form.get('name'),
        expires_in_days: days === 'never' ? null : Number(days),
      }
      const { name, expires_in_days: expiresInDays } = parseInput(asked, DeployKeyBody)
      const input = { organization: named(c), name, expiresInDays }
      const { account } = c.var
      const made = await createDeployKey(context, account, input, requestContext(c.env.facts))
      return render(c, <DeployKeyPage email={account.email} made={made} login={login} />, 201)
    } catch (error) {
      return showKeys(context, c, { form, error: refusalOf(context, c, error) })
    }
  })

  pages.get(KEY, signedIn, (c) => showRevocation(context, c))
  pages.get(`${KEY}/revoke`, signedIn, (c) =>
    c.redirect(`${deployKeysPath(named(c))}/${encodeURIComponent(keyId(c))}`, 303),
  )
  pages.post(`${KEY}/revoke`, requireOwnPage, signedIn, async (c) => {
    const form = await readForm(c)
    const { name } = await findKey(context, c)
    try {
      requireTyped(form, name)
      const revocation = { organization: named(c), id: keyId(c) }
      await revokeDeployKey(context, c.var.account, revocation, requestContext(c.env.facts))
      return c.redirect(deployKeysPath(named(c)), 303)
    } catch (error) {
      return showRevocation(context, c, { form, error: refusalOf(context, c, error) })
    }
  })

  return pages
}

async function showKeys(context: ConsoleContext, c: Context<EdgeEnv>, refused?: Refused) {
  const { account } = c.var
  const keys = await listDeployKeys(context, account, named(c)).catch(whyNot)
  const page = (
    <DeployKeysPage
      email={account.email}
      organization={named(c)}
      keys={keys}
      now={context.clock()}
      values={refused?.form}
      failure={refused && formFailure(refused.error, CREATE_FIELDS)}
    />
  )
  return refused === undefined ? render(c, page) : renderError(c, page, refused.error)
}

/** Whoever may not see them is told so in their place. */
function whyNot(error: unknown): string {
  if (error instanceof KeyrackError && error.code === 'forbidden') return sentence(error.message)
  throw error
}

async function showRevocation(context: ConsoleContext, c: Context<EdgeEnv>, refused?: Refused) {
  const deployKey = await findKey(context, c)
  const page = (
    <RevokePage
      email={c.var.account.email}
      organization={named(c)}
      deployKey={deployKey}
      failure={refused && formFailure(refused.error, ['typed'])}
    />
  )
  return refused === undefined ? render(c, page) : renderError(c, page, refused.error)
}

async function findKey(context: ConsoleContext, c: Context<EdgeEnv>): Promise<ListedDeployKey> {
  const keys = await listDeployKeys(context, c.var.account, named(c))
  const key = keys.find(({ id }) => id === keyId(c))
  if (key !== undefined) return key
  throw new KeyrackError('not-found', `there is no such deploy key in ${named(c)}`)
}

/** As organizations are named. */
function named(c: Context<EdgeEnv>): string {
  return (c.req.param('organization') ?? '').toLowerCase()
}

function keyId(c: Context<EdgeEnv>): string {
  return c.req.param('key') ?? ''
}
