import { DEPLOY_COMMANDS } from '@keyrack/protocol'
import { Hono, type MiddlewareHandler } from 'hono'
import type { ConsoleContext } from '../context.ts'
import { createDeployKey } from '../deploy-keys/create-deploy-key.ts'
import { listDeployKeys } from '../deploy-keys/list-deploy-keys.ts'
import { revokeDeployKey } from '../deploy-keys/revoke-deploy-key.ts'
import { lastUseView } from '../key-uses/newest-use.ts'
import { acceptInvitation } from '../organizations/accept-invitation.ts'
import { changeRole } from '../organizations/change-role.ts'
import { invite } from '../organizations/invite.ts'
import { listMembers } from '../organizations/list-members.ts'
import { removeMember } from '../organizations/remove-member.ts'
import { AcceptanceBody, DeployKeyBody, InvitationBody, RoleBody } from './api-schemas.ts'
import { type EdgeEnv, requestContext } from './edge.ts'
import { invitationCode, invitationUrl } from './invitation-url.ts'
import { readJson } from './read-input.ts'

/** Who belongs to an organization, who is asked to, and which keys its CI has. */
export function createPeopleApi(
  context: ConsoleContext,
  known: MiddlewareHandler<EdgeEnv>,
): Hono<EdgeEnv> {
  const api = new Hono<EdgeEnv>()

  api.post('/invitations', known, async (c) => {
    const body = await readJson(c, InvitationBody)
    const made = await invite(context, c.var.account, body, requestContext(c.env.facts))
    const token = made.token.reveal()
    const url = invitationUrl(context.config, c.env.facts, token)
    return c.json({ id: made.id, token, url, expires_at: time(made.expiresAt) }, 201)
  })

  api.post('/invitations/accept', known, async (c) => {
    const { invitation, organization } = await readJson(c, AcceptanceBody)
    const acceptance = { invitation: invitationCode(invitation), organization }
    const request = requestContext(c.env.facts)
    return c.json(await acceptInvitation(context, c.var.account, acceptance, request))
  })

  api.get('/organizations/:organization/members', known, async (c) => {
    const members = await listMembers(context, c.var.account, c.req.param('organization'))
    return c.json(members.map(({ joinedAt, ...member }) => ({ ...member, since: time(joinedAt) })))
  })

  api.put('/organizations/:organization/members/:member', known, async (c) => {
    const { role } = await readJson(c, RoleBody)
    const change = { ...c.req.param(), role }
    const request = requestContext(c.env.facts)
    return c.json(await changeRole(context, c.var.account, change, request))
  })

  api.delete('/organizations/:organization/members/:member', known, async (c) => {
    const request = requestContext(c.env.facts)
    const removed = await removeMember(context, c.var.account, c.req.param(), request)
    const { deployKeys: deploy_keys, ...member } = removed
    return c.json({ ...member, deploy_keys })
  })

  api.get('/organizations/:organization/deploy-keys', known, async (c) => {
    const keys = await listDeployKeys(context, c.var.account, c.req.param('organization'))
    const list = keys.map(({ id, name, lastFour, createdBy, createdAt, expiresAt, lastUse }) => ({
      ...{ id, name, last_four: lastFour, created_by: createdBy, created_at: time(createdAt) },
      expires_at: expiresAt === null ? null : time(expiresAt),
      expired: expiresAt !== null && expiresAt <= context.clock(),
      last_used: lastUseView(lastUse),
    }))
    return c.json(list)
  })

  api.post('/organizations/:organization/deploy-keys', known, async (c) => {
    const { name, expires_in_days: expiresInDays } = await readJson(c, DeployKeyBody)
    const input = { organization: c.req.param('organization'), name, expiresInDays }
    const request = requestContext(c.env.facts)
    const made = await createDeployKey(context, c.var.account, input, request)
    const { id, organization, expiresAt } = made
    const answer = {
      ...{ id, name: made.name, organization, key: made.key.reveal() },
      expires_at: expiresAt === null ? null : time(expiresAt),
      commands: DEPLOY_COMMANDS,
    }
    return c.json(answer, 201)
  })

  api.delete('/organizations/:organization/deploy-keys/:id', known, async (c) => {
    const request = requestContext(c.env.facts)
    return c.json(await revokeDeployKey(context, c.var.account, c.req.param(), request))
  })

  return api
}

function time(at: number): string {
  return new Date(at).toISOString()
}
