import type { Domain } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { findOrganization } from '../organizations/find-organization.ts'

export interface ListedDeployKey {
  id: string
  name: string
  lastFour: string
  createdBy: string
  createdAt: number
  /** Null: never. */
  expiresAt: number | null
}

export async function listDeployKeys(
  domain: Pick<Domain, 'store' | 'directory'>,
  actor: AccountEntry,
  organization: string,
): Promise<ListedDeployKey[]> {
  const { id } = findOrganization(domain, actor, organization, 'administer', 'see its deploy keys')
  const rows = await domain.store.db
    .selectFrom('deploy_keys')
    .innerJoin('accounts', 'accounts.id', 'deploy_keys.created_by')
    .where('organization_id', '=', id)
    .select([
      'deploy_keys.id',
      'deploy_keys.name',
      'deploy_keys.last_four as lastFour',
      'accounts.email as createdBy',
      'deploy_keys.created_at as createdAt',
      'deploy_keys.expires_at as expiresAt',
    ])
    .orderBy('deploy_keys.name')
    .execute()
  return rows
}
