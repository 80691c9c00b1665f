import { randomUUID } from 'node:crypto'
import { KeyrackError } from '@keyrack/protocol'
import type { KeyStatus } from '@keyrack/protocol/key-resources'
import { equalSecrets } from '@keyrack/secrets'
import type { Logger, Store } from '@keyrack/server'
import type { Transaction } from 'kysely'
import type { RackSchema } from '../database/schema.ts'
import type { SystemLog } from '../system/system-log.ts'
import {
  type Change,
  endWhatIsOver,
  type Retire,
  retireKey,
  type Stage,
  stageKey,
  unstageKey,
} from './key-changes.ts'
import { KeyEvents } from './key-events.ts'
import { describeKeys, type LiveKey, readKeyTable } from './key-table.ts'
import { KeyUses } from './key-uses.ts'
import { type ClockSource, MACHINE_CLOCK, SeenClock } from './seen-clock.ts'

interface Options {
  store: Store<RackSchema>
  systemLog: SystemLog
  /** What RACK_KEY_HASH says, already checked for its form. */
  configuredHash: string | undefined
  log: Logger
  clock?: ClockSource
  /** How often what is only in memory is written: uses, and the time while a deadline is open. */
  writeEveryMs?: number
}

const WRITE_EVERY_MS = 10_000

/**
 * The keys that this Rack accepts. They are in memory, because each request asks for them; memory
 * follows the database once a change is committed, never before, so a change that cannot be stored
 * has not happened.
 */
export class RackKeys {
  readonly #store: Store<RackSchema>
  readonly #log: Logger
  readonly #events: KeyEvents
  readonly #uses = new KeyUses()
  readonly #clock: SeenClock
  readonly #timer: NodeJS.Timeout
  #generation = 0
  #live: readonly LiveKey[] = []
  #tombstones: ReadonlySet<string> = new Set()
  /** Changes are made one after the other, so that memory follows them in their order. */
  #changing: Promise<unknown> = Promise.resolve()
  #ending: Promise<void> | undefined

  /**
   * Takes the configured hash at the first start; at later starts the stored key wins, because it
   * may have been rolled since. No key at all: the Rack does not start.
   */
  static async open(options: Options): Promise<RackKeys> {
    const { store, configuredHash, log, clock } = options
    const head = await store.db.selectFrom('rack_key_head').selectAll().executeTakeFirstOrThrow()
    const keys = new RackKeys(options, new SeenClock(head.seen_at, clock ?? MACHINE_CLOCK))
    try {
      await keys.#change(async ({ tx, now }) => {
        await keys.#uses.load(tx)
        await takeFirstKey(tx, configuredHash, now)
      })
      if (keys.#live.length === 0) throw noLiveKey()
    } catch (error) {
      clearInterval(keys.#timer)
      throw error
    }
    if (configuredHash !== undefined && keys.#find(configuredHash) === undefined) {
      log.warn(
        { variable: 'RACK_KEY_HASH' },
        'RACK_KEY_HASH differs from the stored key and is ignored: the stored key stays in force',
      )
    }
    return keys
  }

  private constructor(options: Options, clock: SeenClock) {
    const { store, systemLog, log, writeEveryMs = WRITE_EVERY_MS } = options
    this.#store = store
    this.#log = log
    this.#clock = clock
    this.#events = new KeyEvents(systemLog)
    this.#timer = setInterval(() => void this.#write(), writeEveryMs)
    this.#timer.unref()
  }

  get generation(): number {
    return this.#generation
  }

  /** The latest time that this Rack has known, milliseconds since 1970: it never goes back. */
  now(): number {
    return this.#clock.now()
  }

  /** Every key that is accepted at this moment; one whose time is over is not. */
  live(): readonly LiveKey[] {
    const ending = this.#live.find((key) => key.state === 'ending')
    if (ending === undefined || this.#clock.now() < (ending.notAfter ?? 0)) return this.#live
    // It is refused from now on whatever happens; that it was seen to end is stored at once.
    this.#ending ??= this.#write().finally(() => {
      this.#ending = undefined
    })
    return this.#live.filter((key) => key !== ending)
  }

  /** Whether that is the hash of a key that was retired: no guess, and never a key again. */
  isTombstone(hash: string): boolean {
    return this.#tombstones.has(hash)
  }

  /** Counts one request with a key that was accepted. */
  used(keyId: string, address: string, userAgent: string | undefined): void {
    this.#uses.add(keyId, address, userAgent, this.#clock.now())
  }

  async status(askerId: string): Promise<KeyStatus> {
    const live = this.live()
    if (live.length < this.#live.length) await this.#change(async () => {})
    const asker = this.live().find(({ id }) => id === askerId)
    if (asker === undefined) throw new KeyrackError('unauthenticated', 'invalid authentication')
    const described = await this.#store.read((tx) => describeKeys(tx))
    const uses = this.#uses.newest(this.live())
    return { ...described, authenticated_by: asker.state, uses }
  }

  stage(askerId: string, stage: Stage) {
    return this.#change((change) => stageKey(change, askerId, stage))
  }

  unstage(askerId: string, roll: string) {
    return this.#change((change) => unstageKey(change, askerId, roll))
  }

  retire(askerId: string, retire: Retire) {
    return this.#change((change) => retireKey(change, askerId, retire))
  }

  /** Any change that is to be told and stored with the keys. */
  change<T>(work: (change: Change) => Promise<T>): Promise<T> {
    return this.#change(work)
  }

  /** Writes what is only in memory. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#changing.catch(() => {})
    await this.#events.stored()
    await this.#write()
  }

  #find(hash: string): LiveKey | undefined {
    return this.#live.find((key) => equalSecrets(key.hash, hash))
  }

  #change<T>(work: (change: Change) => Promise<T>): Promise<T> {
    const changed = this.#changing.then(() => this.#commit(work))
    this.#changing = changed.catch(() => {})
    return changed
  }

  async #commit<T>(work: (change: Change) => Promise<T>): Promise<T> {
    const { result, table, events, usesSaved } = await this.#store.transaction(async (tx) => {
      const now = this.#clock.now()
      const messages: string[] = []
      const change = { tx, now, happened: (message: string) => void messages.push(message) }
      await endWhatIsOver(change)
      const result = await work(change)
      const usesSaved = this.#uses.changed ? await this.#uses.save(tx) : () => {}
      await tx.updateTable('rack_key_head').set({ seen_at: now }).execute()
      const events = await this.#events.store(tx, messages)
      return { result, events, usesSaved, table: await readKeyTable(tx) }
    })
    usesSaved()
    this.#generation = table.generation
    this.#live = table.live
    this.#tombstones = table.tombstones
    this.#uses.keep(new Set(table.live.map(({ id }) => id)))
    this.#events.tell(events)
    return result
  }

  async #write(): Promise<void> {
    const deadlineOpen = this.#live.some((key) => key.state === 'ending')
    if (!deadlineOpen && !this.#uses.changed && !this.#events.waiting) return
    try {
      await this.#change(async () => {})
    } catch (error) {
      this.#log.error({ err: error }, 'the uses of the keys cannot be stored')
    }
  }
}

async function takeFirstKey(
  tx: Transaction<RackSchema>,
  hash: string | undefined,
  now: number,
): Promise<void> {
  if ((await tx.selectFrom('rack_keys').select('id').executeTakeFirst()) !== undefined) return
  if (hash === undefined) throw noKey()
  const times = { created_at: now, current_at: now, not_after: null, retired_at: null }
  await tx
    .insertInto('rack_keys')
    .values({ id: randomUUID(), hash, state: 'current', version: 1, copy: null, ...times })
    .execute()
}

function noKey(): KeyrackError {
  return new KeyrackError('invalid', 'this Rack has no API key, so it will not start', {
    hint: 'set RACK_KEY_HASH to the SHA-256 of its key, 64 hex characters (the key itself stays with whoever made it)',
    field: 'RACK_KEY_HASH',
  })
}

function noLiveKey(): KeyrackError {
  return new KeyrackError('conflict', 'every API key of this Rack has been retired', {
    hint: 'run on this machine: convox rack reset-key',
  })
}
