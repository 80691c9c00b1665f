import type { Domain, RequestContext, Tx } from '../context.ts'
import type { AccountEntry, OrganizationEntry } from '../directory.ts'

export interface MemberEvent {
  action: string
  organization: OrganizationEntry
  /** The member's e-mail address. */
  member: string
  note: string
}

/** Records what was done with a member, in the transaction that does it. */
export function recordMemberEvent(
  { audit }: Pick<Domain, 'audit'>,
  actor: AccountEntry,
  { action, organization, member, note }: MemberEvent,
  { requestId, address }: RequestContext,
  tx: Tx,
): Promise<void> {
  const who = { organizationId: organization.id, actor: { id: actor.id, name: actor.email } }
  const event = { ...who, action, target: member, requestId, address }
  return audit.record(event, { status: 200, note }, tx)
}
