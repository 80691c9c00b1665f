import type { Kysely } from 'kysely'
import type {
  AccountEntry,
  DeployKeyEntry,
  OrganizationEntry,
  RackEntry,
  Role,
} from '../directory.ts'
import type { Examined } from '../vault/examine-credentials.ts'
import type { Database } from './schema.ts'

/** Everything that authenticating and routing a request needs, as it stood at one moment. */
export interface Snapshot {
  accounts: ReadonlyMap<string, AccountEntry>
  accountsByKeyHash: ReadonlyMap<string, AccountEntry>
  deployKeysByHash: ReadonlyMap<string, DeployKeyEntry>
  /** Hashes of keys whose sealed copy is kept for a lost reply, and since when. */
  copiedKeys: ReadonlyMap<string, number>
  organizations: ReadonlyMap<string, OrganizationEntry>
  /** By organization id; the status is what the directory knows, not what is stored. */
  racks: ReadonlyMap<string, readonly Omit<RackEntry, 'status'>[]>
  racksById: ReadonlyMap<string, Omit<RackEntry, 'status'>>
}

export const EMPTY_SNAPSHOT: Snapshot = {
  accounts: new Map(),
  accountsByKeyHash: new Map(),
  deployKeysByHash: new Map(),
  copiedKeys: new Map(),
  organizations: new Map(),
  racks: new Map(),
  racksById: new Map(),
}

/** A credential that the ledger refuses is not in the snapshot; of a Rack, all but its key is. */
export async function loadSnapshot(
  db: Kysely<Database>,
  { refuses }: Pick<Examined, 'refuses'>,
): Promise<Snapshot> {
  const organizations = await loadOrganizations(db)
  const roles = await loadRoles(db)
  const accounts = new Map<string, AccountEntry>()
  const accountsByKeyHash = new Map<string, AccountEntry>()
  const rows = await db
    .selectFrom('accounts')
    .leftJoin('api_keys', 'api_keys.account_id', 'accounts.id')
    .select(['accounts.id', 'accounts.email', 'accounts.server_administrator_at', 'api_keys.hash'])
    .execute()
  for (const row of rows) {
    const account: AccountEntry = {
      id: row.id,
      email: row.email,
      serverAdministrator: row.server_administrator_at !== null,
      roles: roles.get(row.id) ?? new Map(),
    }
    accounts.set(account.id, account)
    if (row.hash !== null && !refuses('api_keys', row.id)) accountsByKeyHash.set(row.hash, account)
  }
  const deployKeysByHash = await loadDeployKeys(db, organizations, refuses)
  const racks = await loadRacks(db, organizations, refuses)
  const racksById = new Map([...racks.values()].flat().map((rack) => [rack.id, rack]))
  const copiedKeys = await loadCopiedKeys(db)
  return {
    ...{ accounts, accountsByKeyHash, deployKeysByHash, copiedKeys },
    ...{ organizations, racks, racksById },
  }
}

async function loadCopiedKeys(db: Kysely<Database>): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('api_key_rolls')
    .where('sealed_key', 'is not', null)
    .select(['key_hash', 'created_at'])
    .execute()
  return new Map(rows.map((row) => [row.key_hash, row.created_at]))
}

async function loadDeployKeys(
  db: Kysely<Database>,
  organizations: ReadonlyMap<string, OrganizationEntry>,
  refuses: Examined['refuses'],
): Promise<Map<string, DeployKeyEntry>> {
  const rows = await db
    .selectFrom('deploy_keys')
    .select(['id', 'organization_id', 'name', 'hash', 'expires_at'])
    .execute()
  const keys = new Map<string, DeployKeyEntry>()
  for (const { id, organization_id, name, hash, expires_at: expiresAt } of rows) {
    if (refuses('deploy_keys', id)) continue
    const organization = organizations.get(organization_id)
    if (organization === undefined) throw new TypeError(`deploy key ${id} has no organization`)
    keys.set(hash, { kind: 'deploy-key', id, name, organization, expiresAt })
  }
  return keys
}

async function loadOrganizations(db: Kysely<Database>): Promise<Map<string, OrganizationEntry>> {
  const rows = await db.selectFrom('organizations').select(['id', 'name']).execute()
  return new Map(rows.map(({ id, name }) => [id, { id, name }]))
}

async function loadRoles(db: Kysely<Database>): Promise<Map<string, Map<string, Role>>> {
  const rows = await db
    .selectFrom('memberships')
    .select(['account_id', 'organization_id', 'role'])
    .execute()
  const roles = new Map<string, Map<string, Role>>()
  for (const row of rows) {
    const ofAccount = roles.get(row.account_id) ?? new Map<string, Role>()
    ofAccount.set(row.organization_id, row.role)
    roles.set(row.account_id, ofAccount)
  }
  return roles
}

async function loadRacks(
  db: Kysely<Database>,
  organizations: ReadonlyMap<string, OrganizationEntry>,
  refuses: Examined['refuses'],
): Promise<Map<string, Omit<RackEntry, 'status'>[]>> {
  const rows = await db.selectFrom('racks').selectAll().execute()
  // Not by the database: its order depends on the language it was made with.
  rows.sort((a, b) => (a.name < b.name ? -1 : 1))
  const racks = new Map<string, Omit<RackEntry, 'status'>[]>()
  for (const row of rows) {
    // Before the first account there is nobody who could see the local Rack.
    const organization = organizations.get(row.organization_id ?? '')
    if (organization === undefined) continue
    const ofOrganization = racks.get(organization.id) ?? []
    ofOrganization.push({
      id: row.id,
      name: row.name,
      organization,
      url: row.url ?? '',
      pin: row.pin ?? '',
      local: row.local_at !== null || row.loopback_at !== null,
      managed: row.local_at !== null,
      sealedKey: row.sealed_key,
      keyVersion: row.key_version,
      provider: row.provider,
      version: row.version,
      remoteId: row.remote_id,
      ...(refuses('racks', row.id) ? { refused: true as const } : {}),
    })
    racks.set(organization.id, ofOrganization)
  }
  return racks
}
