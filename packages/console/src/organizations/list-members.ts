import type { Domain } from '../context.ts'
import type { AccountEntry, Role } from '../directory.ts'
import { findOrganization } from './find-organization.ts'

export interface Member {
  id: string
  email: string
  role: Role
  /** Since when, in milliseconds since 1970. */
  joinedAt: number
}

/** Everybody in an organization may know who else is. */
export async function listMembers(
  domain: Pick<Domain, 'store' | 'directory'>,
  actor: AccountEntry,
  organization: string,
): Promise<Member[]> {
  const { id } = findOrganization(domain, actor, organization, 'read', 'see its members')
  const rows = await domain.store.db
    .selectFrom('memberships')
    .innerJoin('accounts', 'accounts.id', 'memberships.account_id')
    .where('organization_id', '=', id)
    .select(['accounts.id', 'accounts.email', 'memberships.role', 'memberships.created_at'])
    .orderBy('accounts.email')
    .execute()
  return rows.map(({ created_at: joinedAt, ...member }) => ({ ...member, joinedAt }))
}
