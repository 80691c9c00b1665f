import { KeyrackError } from '@keyrack/protocol'
import type { Tx } from '../context.ts'
import type { AccountEntry, OrganizationEntry, Role } from '../directory.ts'
import { roleAllows } from './roles.ts'

export interface Membership {
  id: string
  email: string
  role: Role
}

/**
 * What a change of members is decided by. The organization's row is written first, so that two such
 * changes at once come one after the other, whatever the database and however many Consoles.
 */
export async function lockMembers(
  tx: Tx,
  organization: OrganizationEntry,
): Promise<ReadonlyMap<string, Membership>> {
  await tx
    .updateTable('organizations')
    .set({ name: organization.name })
    .where('id', '=', organization.id)
    .execute()
  const rows = await tx
    .selectFrom('memberships')
    .innerJoin('accounts', 'accounts.id', 'memberships.account_id')
    .where('organization_id', '=', organization.id)
    .select(['accounts.id', 'accounts.email', 'memberships.role'])
    .execute()
  return new Map(rows.map((row) => [row.id, row]))
}

/** The member, if the actor is an administrator still or means themselves. */
export function memberToChange(
  members: ReadonlyMap<string, Membership>,
  actor: AccountEntry,
  id: string,
  organization: OrganizationEntry,
): Membership {
  const role = members.get(actor.id)?.role
  if (role === undefined || (actor.id !== id && !roleAllows(role, 'administer'))) {
    throw new KeyrackError('forbidden', `only administrators of ${organization.name} do this`, {
      hint: 'ask one of them',
    })
  }
  const member = members.get(id)
  if (member !== undefined) return member
  throw new KeyrackError('not-found', `there is no such member in ${organization.name}`, {
    hint: `list them with: convox members --organization ${organization.name}`,
  })
}

/** Without an administrator nobody could invite one again. */
export function refuseLastAdministrator(
  members: ReadonlyMap<string, Membership>,
  member: Membership,
  organization: OrganizationEntry,
): void {
  const others = [...members.values()].filter(({ id }) => id !== member.id)
  if (member.role !== 'administrator') return
  if (others.some(({ role }) => role === 'administrator')) return
  throw new KeyrackError(
    'conflict',
    `${member.email} is the last administrator of ${organization.name}`,
    { hint: 'make somebody else one first: convox members role EMAIL administrator' },
  )
}

/** What somebody who is no administrator any more had prepared is void: they could come back by it. */
export async function voidInvitations(
  tx: Tx,
  organizationId: string,
  inviter: string,
  now: number,
): Promise<void> {
  await tx
    .updateTable('invitations')
    .set({ used_at: now })
    .where('organization_id', '=', organizationId)
    .where('invited_by', '=', inviter)
    .where('used_at', 'is', null)
    .execute()
}
