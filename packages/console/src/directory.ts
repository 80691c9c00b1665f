import type { Store } from '@keyrack/server'
import { readDirectoryVersion } from './database/directory-version.ts'
import { EMPTY_SNAPSHOT, loadSnapshot, type Snapshot } from './database/load-snapshot.ts'
import type { Database } from './database/schema.ts'
import type { CredentialLedger } from './vault/credential-ledger.ts'

/** A person's role in one organization, with the names the official product uses. */
export type Role = 'administrator' | 'operator' | 'developer' | 'viewer'

export interface AccountEntry {
  readonly id: string
  readonly email: string
  readonly serverAdministrator: boolean
  /** Organization id to role. */
  readonly roles: ReadonlyMap<string, Role>
}

/** A key for CI: of one organization, and good for the routes marked `deploy` only. */
export interface DeployKeyEntry {
  readonly kind: 'deploy-key'
  readonly id: string
  readonly name: string
  readonly organization: OrganizationEntry
  /** Milliseconds since 1970; null: never. */
  readonly expiresAt: number | null
}

/** Who can be behind a key. A deploy key is no person: it has no account, no role and no session. */
export type Actor = AccountEntry | DeployKeyEntry

export function isDeployKey(actor: Actor): actor is DeployKeyEntry {
  return 'kind' in actor
}

/** How the audit log names an actor. */
export function actorName(actor: Actor): string {
  return isDeployKey(actor) ? `deploy key ${actor.name}` : actor.email
}

export interface OrganizationEntry {
  readonly id: string
  readonly name: string
}

/**
 * How the last contact with a Rack went. `failed`: it refuses our key or shows another certificate;
 * `unknown`: there was no contact since this Console started.
 */
export type RackStatus = 'running' | 'unreachable' | 'failed' | 'unknown'

export interface RackEntry {
  readonly id: string
  readonly name: string
  readonly organization: OrganizationEntry
  /** `https://host:port`, or empty while a local Rack has never been ready (status `unreachable`). */
  readonly url: string
  /** The SHA-256 of the pinned certificate or its key, hex; empty as above, or where an authority vouches for it. */
  readonly pin: string
  /** On this machine, so for server administrators only. */
  readonly local: boolean
  /** Run by this server, which then keeps its address and certificate itself. */
  readonly managed: boolean
  readonly sealedKey: string
  readonly keyVersion: number
  readonly provider: string
  /** Empty where it is not known. */
  readonly version: string
  /** The id that the Rack gives itself; null for official ones. */
  readonly remoteId: string | null
  readonly status: RackStatus
  /** Its row was changed by somebody else, so its key is not used (`vault/credential-ledger.ts`). */
  readonly refused?: true
}

export interface Directory {
  /** True until the first account exists. */
  readonly empty: boolean
  accountByApiKeyHash(hash: string): AccountEntry | undefined
  /** Also one that has expired: who asks knows what time it is. */
  deployKeyByHash(hash: string): DeployKeyEntry | undefined
  /** Hashes of keys whose sealed copy is kept for a lost reply, and since when. */
  readonly copiedKeys: ReadonlyMap<string, number>
  accountById(id: string): AccountEntry | undefined
  organizationsOf(actor: Actor): readonly OrganizationEntry[]
  organizationByName(name: string): OrganizationEntry | undefined
  /** Racks of the actor's organizations, sorted by organization and name. */
  racksOf(actor: Actor): readonly RackEntry[]
  /** For what is not done in anybody's name. */
  rackById(id: string): RackEntry | undefined
  /** By the id that a Rack gives itself. */
  rackByRemoteId(remoteId: string): RackEntry | undefined
  /** Those of every organization. */
  allRacks(): readonly RackEntry[]
  /** What a supervisor, the proxy or a check found out; kept in memory only. */
  setRackStatus(rackId: string, status: RackStatus): void
  refresh(): Promise<void>
  /** Told after each change, so that what lasts longer than a request can be looked at again. */
  onChange(listener: () => void): void
}

/** What one actor sees of a snapshot. */
interface ActorView {
  readonly organizations: readonly OrganizationEntry[]
  readonly racks: readonly RackEntry[]
}

/** The side of the directory that only `commit` and the composition root see. */
export interface ConsoleDirectory extends Directory {
  /** The version of the database's that is shown. */
  readonly version: number
  /** Replaces the snapshot, unless a newer one is already there. */
  swap(snapshot: Snapshot, version: number): void
}

/**
 * What requests are answered from: plain maps in memory (design 4, hot path), replaced as a whole,
 * so a request never sees half of a write.
 */
export function createDirectory(
  store: Store<Database>,
  ledger: CredentialLedger,
): ConsoleDirectory {
  let current: Snapshot = EMPTY_SNAPSHOT
  let currentVersion = 0
  const statuses = new Map<string, RackStatus>()
  const listeners: Array<() => void> = []
  // Asked for with every request, so it is put together once for each actor of a snapshot.
  let views = new WeakMap<Actor, ActorView>()

  const organizationsOf = (actor: Actor): OrganizationEntry[] => {
    if (isDeployKey(actor)) return [actor.organization]
    const found: OrganizationEntry[] = []
    for (const id of actor.roles.keys()) {
      const organization = current.organizations.get(id)
      if (organization !== undefined) found.push(organization)
    }
    return found.sort((a, b) => compare(a.name, b.name))
  }

  /** Its status is what it is when somebody looks. */
  const live = (rack: Omit<RackEntry, 'status'>): RackEntry => ({
    ...rack,
    get status() {
      if (rack.refused) return 'failed'
      return statuses.get(rack.id) ?? (rack.managed ? 'unreachable' : 'unknown')
    },
  })

  const viewOf = (actor: Actor): ActorView => {
    const known = views.get(actor)
    if (known !== undefined) return known
    const organizations = organizationsOf(actor)
    const racks = organizations.flatMap(({ id }) => (current.racks.get(id) ?? []).map(live))
    const view = { organizations, racks }
    views.set(actor, view)
    return view
  }

  const directory: ConsoleDirectory = {
    get empty() {
      return current.accounts.size === 0
    },
    accountByApiKeyHash: (hash) => current.accountsByKeyHash.get(hash),
    deployKeyByHash: (hash) => current.deployKeysByHash.get(hash),
    get copiedKeys() {
      return current.copiedKeys
    },
    accountById: (id) => current.accounts.get(id),
    organizationsOf: (actor) => viewOf(actor).organizations,
    organizationByName(name) {
      for (const entry of current.organizations.values()) if (entry.name === name) return entry
      return undefined
    },
    racksOf: (actor) => viewOf(actor).racks,
    allRacks: () => [...current.racksById.values()].map(live),
    rackById(id) {
      const rack = current.racksById.get(id)
      return rack === undefined ? undefined : live(rack)
    },
    rackByRemoteId(remoteId) {
      for (const rack of current.racksById.values()) {
        if (rack.remoteId === remoteId) return live(rack)
      }
      return undefined
    },
    setRackStatus: (rackId, status) => void statuses.set(rackId, status),
    async refresh() {
      const { seen } = ledger
      const loaded = await store.read(async (tx) => {
        const version = await readDirectoryVersion(tx)
        const examined = await ledger.examine(tx, seen)
        return { version, examined, snapshot: await loadSnapshot(tx, examined) }
      })
      ledger.adopt(loaded.examined)
      directory.swap(loaded.snapshot, loaded.version)
    },
    onChange: (listener) => void listeners.push(listener),
    get version() {
      return currentVersion
    },
    swap(snapshot, version) {
      if (version < currentVersion) return
      current = snapshot
      views = new WeakMap()
      currentVersion = version
      for (const listener of listeners) listener()
    },
  }
  return directory
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
