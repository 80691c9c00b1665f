import {
  generateSshKeyPair,
  type Keyring,
  open,
  type SealContext,
  type Secret,
  seal,
} from '@keyrack/secrets'
import type { Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'

/**
 * The SSH key pair that opens all instances of this Rack, in generations: a roll will add one and
 * retire another (design 7). A private key is in clear only while a connection logs in.
 */
export class SshKeys {
  readonly #store: Store<RackSchema>
  readonly #keyring: Keyring

  constructor(store: Store<RackSchema>, keyring: Keyring) {
    this.#store = store
    this.#keyring = keyring
  }

  /** Makes generation 1 at the first start of the Rack. */
  async ensureFirst(now: () => number = Date.now): Promise<void> {
    const existing = await this.#store.db
      .selectFrom('ssh_keys')
      .select('generation')
      .executeTakeFirst()
    if (existing !== undefined) return
    const generation = 1
    const version = 1
    // The comment marks our own line in authorized_keys; a roll removes only lines marked so.
    const pair = generateSshKeyPair(`keyrack:${generation}`)
    await this.#store.db
      .insertInto('ssh_keys')
      .values({
        generation,
        public_key: pair.publicKey,
        private_key_sealed: seal(this.#keyring, pair.privateKey, context(generation, version)),
        version,
        created_at: now(),
        retired_at: null,
      })
      .execute()
  }

  /** The lines that belong into an instance's authorized_keys. */
  async authorizedKeys(): Promise<string[]> {
    const rows = await this.#store.db
      .selectFrom('ssh_keys')
      .select('public_key')
      .where('retired_at', 'is', null)
      .orderBy('generation')
      .execute()
    return rows.map((row) => row.public_key)
  }

  /** The private key to log in with: the newest generation that is not retired. */
  async privateKey(): Promise<Secret> {
    const row = await this.#store.db
      .selectFrom('ssh_keys')
      .select(['generation', 'private_key_sealed', 'version'])
      .where('retired_at', 'is', null)
      .orderBy('generation', 'desc')
      .executeTakeFirstOrThrow()
    return open(this.#keyring, row.private_key_sealed, context(row.generation, row.version))
  }
}

/** Binds a sealed private key to its own row: swapped with another, it does not open. */
function context(generation: number, version: number): SealContext {
  return { table: 'ssh_keys', row: String(generation), column: 'private_key_sealed', version }
}
