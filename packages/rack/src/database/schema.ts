import type { Generated } from 'kysely'

/**
 * The Rack's own records. Portable to both databases (design 4): text ids, times as bigint
 * milliseconds, flags as nullable times, sealed values and hashes as text.
 */
export interface RackSchema {
  rack: RackTable
  rack_keys: RackKeysTable
  ssh_keys: SshKeysTable
  known_instances: KnownInstancesTable
  system_log: SystemLogTable
  system_releases: SystemReleasesTable
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

/** At most one key is `current` and one `staged`; retired hashes stay for ever as tombstones. */
export type RackKeyState = 'current' | 'staged' | 'retired'

export interface RackKeysTable {
  id: string
  /** SHA-256 of the whole key, hex; the key itself is never stored. */
  hash: string
  state: RackKeyState
  version: number
  created_at: number
  retired_at: number | null
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
