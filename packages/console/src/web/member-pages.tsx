import { KeyrackError } from '@keyrack/protocol'
import { type Context, Hono } from 'hono'
import type { ConsoleContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { InvitationBody, RoleBody } from '../http/api-schemas.ts'
import { requireOwnPage } from '../http/authenticate.ts'
import { type EdgeEnv, requestContext } from '../http/edge.ts'
import { invitationUrl } from '../http/invitation-url.ts'
import { parseInput, readForm } from '../http/read-input.ts'
import { changeRole } from '../organizations/change-role.ts'
import { findOrganization } from '../organizations/find-organization.ts'
import { invite } from '../organizations/invite.ts'
import { listMembers, type Member } from '../organizations/list-members.ts'
import { removeMember } from '../organizations/remove-member.ts'
import { refusal } from '../organizations/roles.ts'
import { formFailure, requireTyped } from './form-failure.ts'
import { InvitedPage } from './invited-page.tsx'
import { MEMBER_FIELDS, MemberPage } from './member-page.tsx'
import { INVITE_FIELDS, MembersPage } from './members-page.tsx'
import { MessagePage } from './message-page.tsx'
import { membersPath } from './organization-head.tsx'
import { type Refused, refusalOf } from './refused.ts'
import { render, renderError } from './render.ts'
import { requireSession } from './require-session.ts'

const MEMBERS = '/members/:organization'
const MEMBER = `${MEMBERS}/:member`

/** Who is in an organization. What a form asks for is what the JSON API is asked for. */
export function createMemberPages(context: ConsoleContext): Hono<EdgeEnv> {
  const pages = new Hono<EdgeEnv>()
  const signedIn = requireSession(context)

  pages.get(MEMBERS, signedIn, (c) => showMembers(context, c))

  // A form that was refused stands at an address of its own, and can be loaded again there.
  pages.get(`${MEMBERS}/invite`, signedIn, (c) => c.redirect(membersPath(named(c)), 303))
  pages.post(`${MEMBERS}/invite`, requireOwnPage, signedIn, async (c) => {
    const form = await readForm(c)
    try {
      const [email, role] = [form.get('email'), form.get('role')]
      const body = parseInput({ email, role, organization: named(c) }, InvitationBody)
      const invitation = await invite(context, c.var.account, body, requestContext(c.env.facts))
      const url = invitationUrl(context.config, c.env.facts, invitation.token.reveal())
      const shown = { email: c.var.account.email, organization: named(c), invitation, url }
      return render(c, <InvitedPage {...shown} />, 201)
    } catch (error) {
      return showMembers(context, c, { form, error: refusalOf(context, c, error) })
    }
  })

  pages.get(MEMBER, signedIn, (c) => showMember(context, c))
  pages.get(`${MEMBER}/:form`, signedIn, (c) => c.redirect(memberPath(c), 303))

  pages.post(`${MEMBER}/role`, requireOwnPage, signedIn, async (c) => {
    const form = await readForm(c)
    try {
      const { role } = parseInput({ role: form.get('role') }, RoleBody)
      const change = { organization: named(c), member: memberId(c), role }
      await changeRole(context, c.var.account, change, requestContext(c.env.facts))
      return c.redirect(membersPath(named(c)), 303)
    } catch (error) {
      return showMember(context, c, { form, error: refusalOf(context, c, error) })
    }
  })

  pages.post(`${MEMBER}/remove`, requireOwnPage, signedIn, async (c) => {
    const form = await readForm(c)
    try {
      const { email } = await findMember(context, c)
      requireTyped(form, email)
      const removal = { organization: named(c), member: memberId(c) }
      const facts = requestContext(c.env.facts)
      const { deployKeys } = await removeMember(context, c.var.account, removal, facts)
      if (deployKeys.length > 0) return showLeftKeys(c, email, deployKeys)
      const own = memberId(c) === c.var.account.id
      return c.redirect(own ? '/account' : membersPath(named(c)), 303)
    } catch (error) {
      return showMember(context, c, { form, error: refusalOf(context, c, error) })
    }
  })

  return pages
}

async function showMembers(context: ConsoleContext, c: Context<EdgeEnv>, refused?: Refused) {
  const { account } = c.var
  const members = await listMembers(context, account, named(c))
  const page = (
    <MembersPage
      self={account}
      organization={named(c)}
      administers={administers(context, account, named(c))}
      members={members}
      values={refused?.form}
      failure={refused && formFailure(refused.error, INVITE_FIELDS)}
    />
  )
  return refused === undefined ? render(c, page) : renderError(c, page, refused.error)
}

async function showMember(context: ConsoleContext, c: Context<EdgeEnv>, refused?: Refused) {
  const { account } = c.var
  const member = await findMember(context, c)
  const page = (
    <MemberPage
      self={account}
      organization={named(c)}
      administers={administers(context, account, named(c))}
      member={member}
      values={refused?.form}
      failure={refused && formFailure(refused.error, MEMBER_FIELDS)}
    />
  )
  return refused === undefined ? render(c, page) : renderError(c, page, refused.error)
}

function showLeftKeys(c: Context<EdgeEnv>, email: string, deployKeys: readonly string[]) {
  const text = `${email} is no member of ${named(c)} any more. Deploy keys that they made still work: ${deployKeys.join(', ')}. To end one, revoke it on the page of the deploy keys, or run: convox deploy-keys revoke NAME`
  return render(c, <MessagePage title="Removed" text={text} email={c.var.account.email} />)
}

async function findMember(context: ConsoleContext, c: Context<EdgeEnv>): Promise<Member> {
  const members = await listMembers(context, c.var.account, named(c))
  const member = members.find(({ id }) => id === memberId(c))
  if (member !== undefined) return member
  throw new KeyrackError('not-found', `there is no such member in ${named(c)}`)
}

function administers(context: ConsoleContext, account: AccountEntry, name: string): boolean {
  const { id } = findOrganization(context, account, name, 'read', 'see its members')
  return refusal(account, id, { permission: 'administer' }) === undefined
}

function memberPath(c: Context<EdgeEnv>): string {
  return `${membersPath(named(c))}/${encodeURIComponent(memberId(c))}`
}

/** As organizations are named. */
function named(c: Context<EdgeEnv>): string {
  return (c.req.param('organization') ?? '').toLowerCase()
}

function memberId(c: Context<EdgeEnv>): string {
  return c.req.param('member') ?? ''
}
