import { type Context, Hono } from 'hono'
import type { ConsoleContext } from '../context.ts'
import { AcceptanceBody } from '../http/api-schemas.ts'
import { requireOwnPage } from '../http/authenticate.ts'
import { type EdgeEnv, requestContext } from '../http/edge.ts'
import { invitationCode } from '../http/invitation-url.ts'
import { parseInput, readForm } from '../http/read-input.ts'
import { acceptInvitation } from '../organizations/accept-invitation.ts'
import { formFailure, requireFields } from './form-failure.ts'
import { JOIN_FIELDS, JoinPage } from './join-page.tsx'
import { membersPath } from './organization-head.tsx'
import { type Refused, refusalOf } from './refused.ts'
import { render, renderError } from './render.ts'
import { requireSession } from './require-session.ts'

/** An invitation, accepted by somebody who is signed in. */
export function createJoinPages(context: ConsoleContext): Hono<EdgeEnv> {
  const pages = new Hono<EdgeEnv>()
  const signedIn = requireSession(context)

  pages.get('/join', signedIn, (c) => showJoin(c))

  pages.post('/join', requireOwnPage, signedIn, async (c) => {
    const form = await readForm(c)
    try {
      requireFields(form, ['invitation'])
      const [pasted, named] = [form.get('invitation'), form.get('organization')]
      const asked = { invitation: pasted, organization: named }
      const { invitation, organization } = parseInput(asked, AcceptanceBody)
      const acceptance = { invitation: invitationCode(invitation), organization }
      const facts = requestContext(c.env.facts)
      const joined = await acceptInvitation(context, c.var.account, acceptance, facts)
      return c.redirect(membersPath(joined.organization.name), 303)
    } catch (error) {
      return showJoin(c, { form, error: refusalOf(context, c, error) })
    }
  })

  return pages
}

function showJoin(c: Context<EdgeEnv>, refused?: Refused) {
  const page = (
    <JoinPage
      email={c.var.account.email}
      values={refused?.form}
      failure={refused && formFailure(refused.error, JOIN_FIELDS)}
    />
  )
  return refused === undefined ? render(c, page) : renderError(c, page, refused.error)
}
