import { randomUUID } from 'node:crypto'
import { KeyrackError } from '@keyrack/protocol'
import { equalSecrets, sha256Hex } from '@keyrack/secrets'
import type { Logger, Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'

export interface LiveKey {
  id: string
  /** SHA-256 of the key, lower-case hex. */
  hash: string
}

/** The keys this Rack accepts, in memory: the database is not asked for each request. */
export interface RackKeys {
  live(): readonly LiveKey[]
}

const HASH = /^[0-9a-f]{64}$/

/** Hashes of what is no key at all: nothing, and the mask that official Racks show (`****`). */
const NEVER = ['', '*'.repeat(4), '*'.repeat(8)].map((text) => sha256Hex(text))

/** What a text that is no hash of a Rack API key should have been; undefined when it is one. */
export function keyHashProblem(text: string): string | undefined {
  if (!HASH.test(text)) {
    return 'the SHA-256 of the Rack API key, 64 characters of 0-9 and a-f'
  }
  if (NEVER.some((hash) => equalSecrets(hash, text))) {
    return 'the hash of a real key; this one is of an empty or masked key'
  }
  return undefined
}

interface Options {
  store: Store<RackSchema>
  /** What RACK_KEY_HASH says, already checked for its form. */
  configuredHash: string | undefined
  log: Logger
  now?: () => number
}

/**
 * Takes the configured hash at the first start; at later starts the stored key wins, because it may
 * have been rolled since. No key at all: the Rack does not start.
 */
export async function loadRackKeys({
  store,
  configuredHash,
  log,
  now = Date.now,
}: Options): Promise<RackKeys> {
  const known = await store.db.selectFrom('rack_keys').select(['id', 'hash', 'state']).execute()
  if (known.length === 0) {
    if (configuredHash === undefined) throw noKey()
    const key = { id: randomUUID(), hash: configuredHash }
    await store.db
      .insertInto('rack_keys')
      .values({ ...key, state: 'current', version: 1, created_at: now(), retired_at: null })
      .execute()
    return { live: () => [key] }
  }
  const live = known
    .filter((key) => key.state !== 'retired')
    .map(({ id, hash }): LiveKey => ({ id, hash }))
  if (live.length === 0) {
    throw new KeyrackError('conflict', 'every API key of this Rack has been retired', {
      hint: 'run on this machine: convox rack reset-key',
    })
  }
  if (configuredHash !== undefined && !live.some((key) => equalSecrets(key.hash, configuredHash))) {
    log.warn(
      { variable: 'RACK_KEY_HASH' },
      'RACK_KEY_HASH differs from the stored key and is ignored: the stored key stays in force',
    )
  }
  return { live: () => live }
}

function noKey(): KeyrackError {
  return new KeyrackError('invalid', 'this Rack has no API key, so it will not start', {
    hint: 'set RACK_KEY_HASH to the SHA-256 of its key, 64 hex characters (the key itself stays with whoever made it)',
    field: 'RACK_KEY_HASH',
  })
}
