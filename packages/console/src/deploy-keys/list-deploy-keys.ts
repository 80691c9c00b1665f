import type { Domain } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import type { LastUse, LastUses } from '../key-uses/last-uses.ts'
import { newestUse } from '../key-uses/newest-use.ts'
import { findOrganization } from '../organizations/find-organization.ts'

export interface ListedDeployKey {
  id: string
  name: string
  lastFour: string
  createdBy: string
  createdAt: number
  /** Null: never. */
  expiresAt: number | null
  lastUse: LastUse | null
}

export async function listDeployKeys(
  domain: Pick<Domain, 'store' | 'directory'> & { uses: Pick<LastUses, 'pending'> },
  actor: AccountEntry,
  organization: string,
): Promise<ListedDeployKey[]> {
  const { id } = findOrganization(domain, actor, organization, 'administer', 'see its deploy keys')
  const rows = await domain.store.db
    .selectFrom('deploy_keys')
    .innerJoin('accounts', 'accounts.id', 'deploy_keys.created_by')
    .leftJoin('key_uses', 'key_uses.key_hash', 'deploy_keys.hash')
    .where('organization_id', '=', id)
    .select([
      'deploy_keys.id',
      'deploy_keys.name',
      'deploy_keys.last_four as lastFour',
      'accounts.email as createdBy',
      'deploy_keys.created_at as createdAt',
      'deploy_keys.expires_at as expiresAt',
      'deploy_keys.hash',
      'key_uses.last_at',
      'key_uses.address',
      'key_uses.client',
    ])
    .orderBy('deploy_keys.name')
    .execute()
  return rows.map(({ hash, last_at, address, client, ...key }) => ({
    ...key,
    lastUse: newestUse(domain.uses, hash, { last_at, address, client }),
  }))
}
