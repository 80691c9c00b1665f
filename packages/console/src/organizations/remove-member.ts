import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { endTokensOf } from '../rack-access/end-tokens-of.ts'
import { findOrganization } from './find-organization.ts'
import { recordMemberEvent } from './member-event.ts'
import {
  lockMembers,
  type Membership,
  memberToChange,
  refuseLastAdministrator,
  voidInvitations,
} from './membership.ts'

export interface RemovedMember extends Membership {
  /** The names of deploy keys that they made; these belong to the organization and go on working. */
  deployKeys: string[]
}

/**
 * Ends somebody's access to an organization: from the moment this resolves their key reaches none
 * of its Racks. Administrators remove anybody, everybody may leave. The account itself stays.
 */
export async function removeMember(
  domain: Domain,
  actor: AccountEntry,
  removal: { organization: string; member: string },
  request: RequestContext,
): Promise<RemovedMember> {
  const { member: id } = removal
  const permission = id === actor.id ? 'read' : 'administer'
  const organization = findOrganization(
    domain,
    actor,
    removal.organization,
    permission,
    'remove members',
  )
  return domain.commit(async (tx) => {
    const members = await lockMembers(tx, organization)
    const member = memberToChange(members, actor, id, organization)
    refuseLastAdministrator(members, member, organization)
    await voidInvitations(tx, organization.id, id, domain.clock())
    await tx
      .deleteFrom('memberships')
      .where('organization_id', '=', organization.id)
      .where('account_id', '=', id)
      .execute()
    const because = `${member.email} is no member any more`
    const ended = { accountId: id, organizationId: organization.id, now: domain.clock(), because }
    await endTokensOf(tx, ended)
    const keys = await tx
      .selectFrom('deploy_keys')
      .where('organization_id', '=', organization.id)
      .where('created_by', '=', id)
      .select('name')
      .orderBy('name')
      .execute()
    const note = `was ${member.role}`
    const event = { action: 'member.remove', organization, member: member.email, note }
    await recordMemberEvent(domain, actor, event, request, tx)
    return { ...member, deployKeys: keys.map(({ name }) => name) }
  })
}
