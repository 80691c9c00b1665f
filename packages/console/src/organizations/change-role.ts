import { KeyrackError } from '@keyrack/protocol'
import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry, Role } from '../directory.ts'
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

/** The new role counts from the moment this resolves. */
export async function changeRole(
  domain: Domain,
  actor: AccountEntry,
  change: { organization: string; member: string; role: Role },
  request: RequestContext,
): Promise<Membership> {
  const { member: id, role } = change
  const organization = findOrganization(
    domain,
    actor,
    change.organization,
    'administer',
    'change roles',
  )
  return domain.commit(async (tx) => {
    const members = await lockMembers(tx, organization)
    const member = memberToChange(members, actor, id, organization)
    if (members.get(actor.id)?.role !== 'administrator') {
      throw new KeyrackError('forbidden', `only administrators of ${organization.name} do this`)
    }
    if (role !== 'administrator') {
      refuseLastAdministrator(members, member, organization)
      await voidInvitations(tx, organization.id, id, domain.clock())
      const because = `${member.email} is no administrator any more`
      const ended = { accountId: id, organizationId: organization.id, now: domain.clock(), because }
      await endTokensOf(tx, ended)
    }
    await tx
      .updateTable('memberships')
      .set({ role })
      .where('organization_id', '=', organization.id)
      .where('account_id', '=', id)
      .execute()
    const note = `${member.role} to ${role}`
    const event = { action: 'member.role', organization, member: member.email, note }
    await recordMemberEvent(domain, actor, event, request, tx)
    return { ...member, role }
  })
}
