import type { Generated } from 'kysely'

/**
 * The Rack's own records. Portable to both databases (design 4): text ids, times as bigint
 * milliseconds, flags as nullable times, sealed values and hashes as text.
 */
export interface RackSchema {
  rack: RackTable
  rack_keys: RackKeysTable
  rack_key_rolls: RackKeyRollsTable
  rack_key_head: RackKeyHeadTable
  rack_key_events: RackKeyEventsTable
  rack_key_uses: RackKeyUsesTable
  rack_console: RackConsoleTable
  access_token_key: AccessTokenKeyTable
  access_tokens: AccessTokensTable
  ssh_keys: SshKeysTable
  known_instances: KnownInstancesTable
  system_log: SystemLogTable
  system_releases: SystemReleasesTable
  actions: ActionsTable
  instance_keys: InstanceKeysTable
  keyrolls: KeyrollsTable
  keyroll_instances: KeyrollInstancesTable
}

/** Exactly one row: what this Rack is. */
export interface RackTable {
  /** Always 1, and the primary key: a second row cannot exist. */
  singleton: number
  id: string
  /** The port chosen at the first start, unless RACK_PORT says otherwise. */
  port: number | null
  instance_count: number
  /** A known text under the master key: it opens only with the right key folder. Null until then. */
  canary: string | null
  created_at: number
}

/**
 * At most one key of each live state: `current` is in force, `staged` its successor during a roll,
 * `ending` its predecessor until `not_after`. `retired` hashes stay for ever as tombstones.
 */
export type RackKeyState = 'current' | 'staged' | 'ending' | 'retired'

export interface RackKeysTable {
  id: string
  /** SHA-256 of the whole key, hex; the key itself is never stored. */
  hash: string
  state: RackKeyState
  version: number
  created_at: number
  /** When it came into force. */
  current_at: number | null
  /** Until when an ending key is accepted. */
  not_after: number | null
  retired_at: number | null
  /** The key, sealed by the Console that staged it and opaque here; tombstones have none. */
  copy: string | null
}

/** What became of each roll; one at a time is open. An unstaged one can never be staged again. */
export interface RackKeyRollsTable {
  roll: string
  state: 'staged' | 'ending' | 'retired' | 'unstaged'
  new_key: string | null
  old_key: string | null
  /** That of the Rack since this roll brought its key into force. */
  generation: number | null
  /** The end of the old key, as it was last asked for; 0 is at once. */
  not_after: number | null
  at: number
}

/** One row. `seen_at` is the latest time that this Rack has ever known. */
export interface RackKeyHeadTable {
  singleton: number
  generation: number
  seen_at: number
}

/** What happened to the keys, written with it, until the system log has it too. */
export interface RackKeyEventsTable {
  id: number
  message: string
}

/** From where each live key is used. */
export interface RackKeyUsesTable {
  key_id: string
  address: string
  client: string
  last_at: number
  count: number
}

/** The one Console that this Rack belongs to. */
export interface RackConsoleTable {
  singleton: number
  console: string
  /** Ed25519, raw, base64url. */
  public_key: string
  registered_at: number
}

/** One row: what signs access tokens, sealed under the master key. */
export interface AccessTokenKeyTable {
  singleton: number
  sealed: string
  version: number
  created_at: number
}

/** The tokens that are accepted. A token that is not here is refused, however well it is signed. */
export interface AccessTokensTable {
  /** The `jti` of the token. */
  id: string
  role: 'read' | 'write'
  created_at: number
  expires_at: number
}

/**
 * `adding`: a keyroll puts it on the instances. `current`: what new instances get. `leaving`: it may
 * still open an instance that was down. `destroyed`: no instance has it, and the private key is gone.
 */
export type SshKeyState = 'adding' | 'current' | 'leaving' | 'destroyed'

/** One row per generation of the SSH key pair that opens all instances of this Rack. */
export interface SshKeysTable {
  generation: number
  public_key: string
  /** Empty once the generation is destroyed. */
  private_key_sealed: string
  version: number
  created_at: number
  retired_at: number | null
  state: Generated<SshKeyState>
}

/**
 * Which generations open which instance. `assumed`: it was there before rolls were recorded.
 * `adding` and `removing` are intents, written before the instance is touched.
 */
export type InstanceKeyState = 'assumed' | 'adding' | 'installed' | 'removing'

export interface InstanceKeysTable {
  instance_id: string
  generation: number
  state: InstanceKeyState
  updated_at: number
}

/** `unfinished`: in force, but an instance was left behind. `superseded`: a later one took that over. */
export type KeyrollState = 'running' | 'unfinished' | 'done' | 'superseded'
export type KeyrollMode = 'in-place' | 'replace'

/** One row per keyroll; its generation is the one that it brings. */
export interface KeyrollsTable {
  id: string
  generation: number
  mode: KeyrollMode
  state: KeyrollState
  request_id: string
  started_at: number
  finished_at: number | null
}

export type KeyrollInstanceState = 'waiting' | 'adding' | 'removing' | 'done' | 'gone'

/** How far each instance is in a keyroll, and what keeps it. */
export interface KeyrollInstancesTable {
  keyroll_id: string
  instance_id: string
  state: KeyrollInstanceState
  problem: string | null
  updated_at: number
}

/** Host keys recorded at first contact. A row outlives its instance: an id is never trusted twice. */
export interface KnownInstancesTable {
  id: string
  /** The public host key in its wire form, base64. */
  host_key: string
  first_contact_at: number
}

/** What `convox rack logs` shows, the newest lines only. Ids rise by one with each line. */
export interface SystemLogTable {
  id: number
  at: number
  /** `instance/i-1`, `rack/scale`: what the line is about. */
  source: string
  message: string
}

/** One row each time this Rack starts with another version than before. */
export interface SystemReleasesTable {
  id: number
  version: string
  created_at: number
}

/** What was done on this Rack; rows are never removed. Ids rise by one. */
export interface ActionsTable {
  id: number
  at: number
  request_id: string
  /** On whose behalf, as the Console signed it; null for the key or token itself. */
  actor: string | null
  /** A route name. */
  action: string
  target: string
  address: string
  /** `key ID` or `token ID`. */
  credential: string
  outcome: 'started' | 'succeeded' | 'failed' | 'unknown'
  status: number | null
  /** The header as it came, signature included. */
  statement: string | null
  /** The row of the Console's audit log that the statement names; together unique. */
  row_chain: string | null
  row_sequence: number | null
  row_hash: string | null
}
