/** A person's role in one organization, with the names the official product uses. */
export type Role = 'administrator' | 'operator' | 'developer' | 'viewer'

export interface AccountEntry {
  readonly id: string
  readonly email: string
  readonly serverAdministrator: boolean
  /** Organization id to role. */
  readonly roles: ReadonlyMap<string, Role>
}

export interface OrganizationEntry {
  readonly id: string
  readonly name: string
}

/** `unreachable` until a Rack has said where it listens; `failed` when it refuses our key. */
export type RackStatus = 'running' | 'unreachable' | 'failed'

export interface RackEntry {
  readonly id: string
  readonly name: string
  readonly organization: OrganizationEntry
  /** `https://host:port`, or empty while a local Rack has never been ready (status `unreachable`). */
  readonly url: string
  /** The pinned certificate's SHA-256 in hex; empty as above. */
  readonly pin: string
  readonly local: boolean
  readonly sealedKey: string
  readonly keyVersion: number
  readonly provider: string
  readonly status: RackStatus
}

export interface Directory {
  /** True until the first account exists. */
  readonly empty: boolean
  accountByApiKeyHash(hash: string): AccountEntry | undefined
  accountById(id: string): AccountEntry | undefined
  organizationsOf(account: AccountEntry): readonly OrganizationEntry[]
  organizationByName(name: string): OrganizationEntry | undefined
  /** Racks of the account's organizations, sorted by organization and name. */
  racksOf(account: AccountEntry): readonly RackEntry[]
  /** What a supervisor found out; kept in memory only. */
  setRackStatus(rackId: string, status: RackStatus): void
  refresh(): Promise<void>
}
