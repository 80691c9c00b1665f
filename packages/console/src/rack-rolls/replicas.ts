import type { Logger, Store } from '@keyrack/server'
import { sql } from 'kysely'
import type { Database } from '../database/schema.ts'
import type { Directory } from '../directory.ts'
import type { Freshness } from '../follow-directory.ts'
import type { KeysInFlight } from './keys-in-flight.ts'

/** How often a Console says that it is there, and after how long without a word it is not. */
const BEAT_MS = 2_000
const LAPSED_MS = 8_000

/**
 * The other half of a roll's barrier: the Consoles that serve the same database. Each says that it
 * is there, and acknowledges a roll once it uses the new key for every request and none that carries
 * the old one waits for its answer. One that has not been heard for a while has lost its lease on
 * the directory long ago, and answers nothing from memory.
 */
export interface Replicas {
  /** Of this Console among them; empty where it is the only one. */
  readonly id: string
  /** Consoles that may still use the key before this roll's. */
  behind(rollId: string): Promise<string[]>
  /** Whether that Console has said nothing for a while. */
  isGone(consoleId: string): Promise<boolean>
  start(): Promise<void>
  stop(): Promise<void>
}

export const ONLY_CONSOLE: Replicas = {
  id: '',
  behind: async () => [],
  isGone: async () => false,
  start: async () => undefined,
  stop: async () => undefined,
}

export interface ReplicaOptions {
  id: string
  store: Store<Database>
  directory: Pick<Directory, 'onChange' | 'rackById'>
  freshness: Pick<Freshness, 'newest'>
  keysInFlight: KeysInFlight
  log: Logger
}

export function createReplicas(options: ReplicaOptions): Replicas {
  const { id, store, directory, freshness, keysInFlight, log } = options
  const stopping = new AbortController()
  const acknowledging = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  let beating: Promise<void> = Promise.resolve()

  async function beat(): Promise<void> {
    await store.transaction((tx) =>
      tx
        .insertInto('consoles')
        .values({ id, seen_at: databaseTime })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ seen_at: databaseTime }))
        .execute(),
    )
    await acknowledgeRolls()
  }

  function beatOn(): void {
    timer = setTimeout(() => {
      beating = beat()
        .catch((error: unknown) => {
          if (!stopping.signal.aborted) log.warn({ err: error }, 'no heartbeat could be written')
        })
        .then(() => {
          if (!stopping.signal.aborted) beatOn()
        })
    }, BEAT_MS)
  }

  /** Rolls whose new key every request of this Console takes from now on. */
  async function acknowledgeRolls(): Promise<void> {
    const rolls = await store.db
      .selectFrom('rack_rolls')
      .where('state', 'in', ['committed', 'draining'])
      .select(['id', 'rack_id', 'new_version'])
      .execute()
    for (const { id: rollId, rack_id: rackId, new_version: version } of rolls) {
      const shown = directory.rackById(rackId)?.keyVersion ?? 0
      if (shown < version || acknowledging.has(rollId)) continue
      acknowledging.add(rollId)
      void keysInFlight
        .drained(rackId, version, stopping.signal)
        .then(() => acknowledge(rollId))
        .catch((error: unknown) => {
          acknowledging.delete(rollId)
          log.warn({ err: error }, 'a roll could not be acknowledged yet')
        })
    }
  }

  async function acknowledge(rollId: string): Promise<void> {
    if (stopping.signal.aborted) return
    await store.transaction((tx) =>
      tx
        .insertInto('rack_roll_acknowledgements')
        .values({ roll_id: rollId, console_id: id })
        .onConflict((conflict) => conflict.doNothing())
        .execute(),
    )
  }

  return {
    id,
    async behind(rollId) {
      const rows = await store.db
        .selectFrom('consoles')
        .leftJoin('rack_roll_acknowledgements as done', (join) =>
          join.onRef('done.console_id', '=', 'consoles.id').on('done.roll_id', '=', rollId),
        )
        .where('done.roll_id', 'is', null)
        .where('consoles.seen_at', '>', heardSince)
        .select('consoles.id')
        .execute()
      return rows.map((row) => row.id)
    },
    async isGone(consoleId) {
      const row = await store.db
        .selectFrom('consoles')
        .where('id', '=', consoleId)
        .where('seen_at', '>', heardSince)
        .select('id')
        .executeTakeFirst()
      return row === undefined
    },
    async start() {
      await beat()
      // A key that came into force before we were among the Consoles is in what we show.
      await freshness.newest()
      directory.onChange(() => {
        if (!stopping.signal.aborted) acknowledgeRolls().catch(() => undefined)
      })
      beatOn()
    },
    async stop() {
      stopping.abort()
      clearTimeout(timer)
      await beating
      try {
        await store.transaction((tx) => tx.deleteFrom('consoles').where('id', '=', id).execute())
      } catch (error) {
        // The others notice by its silence.
        log.warn({ err: error }, 'the other Consoles could not be told of the stop')
      }
    },
  }
}

/** One clock for all: that of PostgreSQL, which is the only database that several Consoles share. */
const databaseTime = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`
const heardSince = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint - ${sql.lit(LAPSED_MS)}`
