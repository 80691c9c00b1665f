import type { AuditRow } from '@keyrack/protocol/audit'
import type { Generated } from 'kysely'
import type { Role } from '../directory.ts'
import type { RollMethod, RollState } from '../rack-rolls/roll.ts'

/** The Console's tables. Text ids, times in milliseconds, flags as nullable times (design 4). */
export interface Database {
  organizations: OrganizationsTable
  accounts: AccountsTable
  memberships: MembershipsTable
  api_keys: ApiKeysTable
  deploy_keys: DeployKeysTable
  invitations: InvitationsTable
  sessions: SessionsTable
  sign_in_failures: SignInFailuresTable
  known_addresses: KnownAddressesTable
  racks: RacksTable
  audit: AuditTable
  canary: CanaryTable
  directory_version: DirectoryVersionTable
  credential_macs: CredentialMacsTable
  credential_head: CredentialHeadTable
  master_key_holders: MasterKeyHoldersTable
  pause: PauseTable
  rack_rolls: RackRollsTable
  previous_rack_keys: PreviousRackKeysTable
  rack_roll_schedules: RackRollSchedulesTable
  consoles: ConsolesTable
  rack_roll_acknowledgements: RackRollAcknowledgementsTable
  rack_key_generations: RackKeyGenerationsTable
  console_identity: ConsoleIdentityTable
  api_key_rolls: ApiKeyRollsTable
  key_uses: KeyUsesTable
  rack_access_tokens: RackAccessTokensTable
}

export interface OrganizationsTable {
  id: string
  name: string
  created_at: number
}

export interface AccountsTable {
  id: string
  email: string
  password_hash: string
  /** 1 for the first account, null for all others; unique, so that two sign-ups cannot both be first. */
  founder: number | null
  server_administrator_at: number | null
  created_at: number
}

export interface MembershipsTable {
  organization_id: string
  account_id: string
  role: Role
  created_at: number
}

/** One per account: the account is the primary key. */
export interface ApiKeysTable {
  account_id: string
  hash: string
  last_four: string
  created_at: number
}

/** Revoking deletes the row; that it was there is in the audit log. */
export interface DeployKeysTable {
  id: string
  organization_id: string
  name: string
  hash: string
  last_four: string
  created_by: string
  created_at: number
  /** Null: never. */
  expires_at: number | null
}

export interface InvitationsTable {
  id: string
  token_hash: string
  /** Null: the newcomer names a new organization. */
  organization_id: string | null
  role: Role
  email: string | null
  invited_by: string
  created_at: number
  expires_at: number
  used_at: number | null
}

export interface SessionsTable {
  id: string
  token_hash: string
  account_id: string
  address: string
  created_at: number
  last_used_at: number
}

/** Keyed by a hash of what was typed, whether such an account exists or not. */
export interface SignInFailuresTable {
  subject: string
  failures: number
  last_at: number
}

/** Addresses from which an account has signed in. */
export interface KnownAddressesTable {
  subject: string
  address: string
  failures: number
  last_at: number
}

export interface RacksTable {
  id: string
  /** Null until the first account adopts the local Rack. */
  organization_id: string | null
  name: string
  provider: string
  url: string | null
  pin: string | null
  /** The id the Rack gave itself. */
  remote_id: string | null
  /** When it was made, for the Rack that this server runs itself. */
  local_at: number | null
  /** When it was added at an address of this machine. */
  loopback_at: number | null
  /** What the Rack said of itself when it was added or trusted last; the local one, when it got ready last. */
  version: Generated<string>
  sealed_key: string
  key_version: number
  created_at: number
}

export type AuditTable = AuditRow

/** One value sealed under the master key, to notice a wrong key before anything is written. */
export interface CanaryTable {
  id: string
  sealed: string
}

/** One row; see migration 2. */
export interface DirectoryVersionTable {
  id: number
  version: number
}

/** One row for each row of the tables in `vault/credential-tables.ts`. */
export interface CredentialMacsTable {
  table_name: string
  row_id: string
  /** The number of the head that was written with it. */
  version: number
  mac: string
}

/** One row that stands for all of `credential_macs`; see `vault/credential-ledger.ts`. */
export interface CredentialHeadTable {
  id: number
  lineage: string
  number: number
  sum: string
  mac: string
  /** The key of all these MACs. */
  sealed_mac_key: string
}

/** Which master keys each Console of a shared database has. */
export interface MasterKeyHoldersTable {
  console_id: string
  /** For people: where it runs. */
  name: string
  /** Separated by spaces. */
  key_ids: string
  seen_at: number
}

/** One row while this Console may not act by itself: after a restore, until it is reconciled. */
export interface PauseTable {
  id: number
  since: number
  reason: string
}

export interface RackRollsTable {
  id: string
  rack_id: string
  /** Unique; null once the roll has ended. */
  open_rack_id: string | null
  organization_id: string | null
  method: RollMethod
  state: RollState
  /** Of the new key: one more than the version of the key that it replaces. */
  new_version: number
  /** Until the new key is in force or destroyed. Sealed for the row of the Rack. */
  sealed_new_key: string | null
  grace_ms: number
  /** Set when the new key came into force. */
  grace_until: number | null
  finish_asked_at: number | null
  /** What it waits for, in words. */
  waiting: string | null
  /** Why the last try failed; it is tried again. */
  error: string | null
  /** Why it could not go on at all. */
  failure: string | null
  /** What the Rack counts since the new key is in force there. */
  generation: number | null
  started_by: string | null
  started_by_name: string
  request_id: string
  address: string
  started_at: number
  updated_at: number
  /** The Console that drives it; empty where there is only one. */
  driver: string
}

/** The last keys of a Rack, sealed as they were in its row. */
export interface PreviousRackKeysTable {
  rack_id: string
  key_version: number
  sealed_key: string
  replaced_at: number
}

export interface RackRollSchedulesTable {
  rack_id: string
  every_ms: number
  next_at: number
  set_by: string
  set_by_name: string
}

/** Consoles that serve this database now, where there can be several. */
export interface ConsolesTable {
  id: string
  /** By the clock of the database. */
  seen_at: number
}

/** A Console that uses a roll's new key for every request, and has no answer outstanding to the old. */
export interface RackRollAcknowledgementsTable {
  roll_id: string
  console_id: string
}

/** How many keys a Rack has had, as far as this Console knows. */
export interface RackKeyGenerationsTable {
  rack_id: string
  generation: number
}

/** One row: as whom this installation registers with its Racks. */
export interface ConsoleIdentityTable {
  id: number
  console_id: string
  public_key: string
  sealed_private_key: string
  created_at: number
}

/** Regenerations that were asked for with an id of the client's, so that each can be repeated. */
export interface ApiKeyRollsTable {
  account_id: string
  /** Chosen by the client. */
  roll: string
  version: number
  /** Of the key that it made. */
  key_hash: string
  /** Until the key is used for the first time, replaced, or a day old. */
  sealed_key: string | null
  created_at: number
}

/** The last use of each API key and deploy key. */
export interface KeyUsesTable {
  key_hash: string
  last_at: number
  address: string
  client: string
}

/** Access tokens that Racks of ours made for members, until they expire or the Rack has ended them. */
export interface RackAccessTokensTable {
  rack_id: string
  /** As the Rack named it. */
  id: string
  organization_id: string
  account_id: string
  role: 'read' | 'write'
  created_at: number
  expires_at: number
  /** Since when it is to be ended at the Rack, for one whose minter may not have it any more. */
  ending_since: number | null
  ending_because: string | null
}
