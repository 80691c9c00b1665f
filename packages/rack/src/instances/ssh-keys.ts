import {
  generateSshKeyPair,
  type Keyring,
  open,
  type SealContext,
  type Secret,
  seal,
} from '@keyrack/secrets'
import type { Store } from '@keyrack/server'
import type { Transaction } from 'kysely'
import type { RackSchema, SshKeyState } from '../database/schema.ts'

/** One generation, ready to log in with. */
export interface LoginKey {
  generation: number
  privateKey: Secret
}

export interface Generation {
  generation: number
  state: SshKeyState
  /** The line of authorized_keys, marked `keyrack:<generation>`. */
  line: string
}

/**
 * The SSH key pair that opens all instances of this Rack, in generations: a keyroll adds one and
 * destroys those before it (design 7). A private key is in clear only while a connection logs in.
 */
export class SshKeys {
  readonly #store: Store<RackSchema>
  readonly #keyring: Keyring
  readonly #now: () => number

  constructor(store: Store<RackSchema>, keyring: Keyring, now: () => number = Date.now) {
    this.#store = store
    this.#keyring = keyring
    this.#now = now
  }

  /** Makes generation 1 at the first start of the Rack. */
  async ensureFirst(): Promise<void> {
    const existing = await this.#store.db
      .selectFrom('ssh_keys')
      .select('generation')
      .executeTakeFirst()
    if (existing !== undefined) return
    await this.#store.transaction((tx) => this.#insert(tx, 1, 'current'))
  }

  /** Makes the next generation and seals it; it opens nothing before a keyroll has added it. */
  async addNext(tx: Transaction<RackSchema>): Promise<number> {
    const newest = await tx
      .selectFrom('ssh_keys')
      .select('generation')
      .orderBy('generation', 'desc')
      .executeTakeFirst()
    const generation = (newest?.generation ?? 0) + 1
    await this.#insert(tx, generation, 'adding')
    return generation
  }

  /** From here on new instances get this generation only. */
  async makeCurrent(tx: Transaction<RackSchema>, generation: number): Promise<void> {
    await tx
      .updateTable('ssh_keys')
      .set({ state: 'leaving' })
      .where('state', '=', 'current')
      .where('generation', '<', generation)
      .execute()
    await tx
      .updateTable('ssh_keys')
      .set({ state: 'current' })
      .where('generation', '=', generation)
      .execute()
  }

  /** Forgets the private key for good; the public line stays, to recognise it by. */
  async destroy(tx: Transaction<RackSchema>, generation: number): Promise<void> {
    await tx
      .updateTable('ssh_keys')
      .set({ state: 'destroyed', private_key_sealed: '', retired_at: this.#now() })
      .where('generation', '=', generation)
      .where('state', '=', 'leaving')
      .execute()
  }

  /** All that have not been destroyed, newest first. */
  async live(): Promise<Generation[]> {
    const rows = await this.#store.db
      .selectFrom('ssh_keys')
      .select(['generation', 'state', 'public_key'])
      .where('state', '<>', 'destroyed')
      .orderBy('generation', 'desc')
      .execute()
    return rows.map(({ generation, state, public_key: line }) => ({ generation, state, line }))
  }

  /**
   * The lines that belong into a new instance's authorized_keys: while a keyroll goes on both
   * generations, since it is not known yet which of them will be in use when the instance runs.
   */
  async authorizedKeys(): Promise<string[]> {
    const live = await this.live()
    return live
      .filter(({ state }) => state !== 'leaving')
      .map(({ line }) => line)
      .reverse()
  }

  /**
   * The private keys to log in to an instance with, in the order to offer them: what is recorded as
   * installed there, newest first, then what may be there, then whatever else is live.
   */
  async keysFor(instanceId: string): Promise<LoginKey[]> {
    const live = await this.live()
    const recorded = await this.#store.db
      .selectFrom('instance_keys')
      .select(['generation', 'state'])
      .where('instance_id', '=', instanceId)
      .execute()
    const stateOf = new Map(recorded.map(({ generation, state }) => [generation, state]))
    const rank = ({ generation }: Generation): number => {
      const state = stateOf.get(generation)
      return state === 'installed' ? 0 : state === undefined ? 2 : 1
    }
    // Sorting is stable, so within a rank the newest stays first.
    const inOrder = live.sort((one, other) => rank(one) - rank(other))
    return Promise.all(inOrder.map(({ generation }) => this.open(generation)))
  }

  /** Throws for a generation that is destroyed. */
  async open(generation: number): Promise<LoginKey> {
    const row = await this.#store.db
      .selectFrom('ssh_keys')
      .select(['private_key_sealed', 'version'])
      .where('generation', '=', generation)
      .executeTakeFirstOrThrow()
    const bound = context(generation, row.version)
    return { generation, privateKey: open(this.#keyring, row.private_key_sealed, bound) }
  }

  async #insert(
    tx: Transaction<RackSchema>,
    generation: number,
    state: SshKeyState,
  ): Promise<void> {
    const version = 1
    // The comment marks our own line in authorized_keys; a roll removes only lines marked so.
    const pair = generateSshKeyPair(`keyrack:${generation}`)
    await tx
      .insertInto('ssh_keys')
      .values({
        generation,
        public_key: pair.publicKey,
        private_key_sealed: seal(this.#keyring, pair.privateKey, context(generation, version)),
        version,
        created_at: this.#now(),
        retired_at: null,
        state,
      })
      .execute()
  }
}

/** Binds a sealed private key to its own row: swapped with another, it does not open. */
function context(generation: number, version: number): SealContext {
  return { table: 'ssh_keys', row: String(generation), column: 'private_key_sealed', version }
}
