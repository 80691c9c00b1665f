import { setTimeout as sleep } from 'node:timers/promises'
import { KeyrackError } from '@keyrack/protocol'
import { type Keyring, sealedWith } from '@keyrack/secrets'
import { type Logger, readMasterKeys, type Store } from '@keyrack/server'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../database/schema.ts'

/** How often a Console of a shared database looks at its folder and says what is in it. */
const BEAT_MS = 2_000
/** One that has said nothing for this long does not run any more. */
const LAPSED_MS = 15_000
/** Others that share the folder, or get the file by themselves, have seen it by then. */
const WAIT_MS = 3 * BEAT_MS

/** Which Consoles of the database know which master keys. */
export interface MasterKeyHolders {
  /** Throws, naming them, when others that run do not know this key. */
  requireEverywhere(id: string): Promise<void>
  stop(): Promise<void>
}

/** The only Console on its database. */
export const ONLY_HOLDER: MasterKeyHolders = {
  requireEverywhere: async () => {},
  stop: async () => {},
}

export interface HolderOptions {
  /** Of this Console. */
  id: string
  /** For people: where this Console is. */
  name: string
  store: Store<Database>
  keyring: Keyring
  keyDir: string
  log: Logger
}

/**
 * Keeps a Console's keyring what its folder holds, and seals with the key that the database is at.
 * Others see in the database which keys it knows.
 */
export async function openMasterKeyHolders(options: HolderOptions): Promise<MasterKeyHolders> {
  const { id, name, store, keyring, keyDir, log } = options
  const stopping = new AbortController()
  let told = ''
  let unreadable = ''

  /** A file that does not open takes nothing from the keys that are known, which are announced all the same. */
  async function learn(): Promise<void> {
    try {
      keyring.learn(await readMasterKeys(keyDir, { known: keyring }))
      unreadable = ''
    } catch (error) {
      if (String(error) !== unreadable) log.error({ err: error }, 'a master key was not learned')
      unreadable = String(error)
    }
  }

  async function beat(): Promise<void> {
    await learn()
    const said = { name, key_ids: keyring.ids().join(' '), seen_at: databaseTime }
    await store.transaction((tx) =>
      tx
        .insertInto('master_key_holders')
        .values({ console_id: id, ...said })
        .onConflict((conflict) => conflict.column('console_id').doUpdateSet(said))
        .execute(),
    )
    const canary = await store.db.selectFrom('canary').select('sealed').executeTakeFirstOrThrow()
    const current = sealedWith(canary.sealed)
    if (keyring.get(current) !== undefined) keyring.sealWith(current)
    else if (told !== current) {
      told = current
      log.error(
        { key: current },
        `put the file ${current}.key into ${keyDir}: the database is sealed with that master key`,
      )
    }
  }

  async function beatOn(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(BEAT_MS, undefined, { signal: stopping.signal }).catch(() => undefined)
      if (stopping.signal.aborted) return
      await beat().catch((error: unknown) => {
        log.warn({ err: error }, 'the master keys of this Console could not be announced')
      })
    }
  }

  const running = () => runningHolders(store.db, id)

  await beat()
  const beating = beatOn()
  return {
    async requireEverywhere(key) {
      const until = performance.now() + WAIT_MS
      for (;;) {
        const without = (await running()).filter(({ key_ids }) => !key_ids.split(' ').includes(key))
        if (without.length === 0) return
        if (performance.now() > until) throw missing(key, keyDir, without)
        await sleep(200)
      }
    },
    async stop() {
      stopping.abort()
      await beating
      await store
        .transaction((tx) =>
          tx.deleteFrom('master_key_holders').where('console_id', '=', id).execute(),
        )
        .catch((error: unknown) => log.warn({ err: error }, 'the end was not announced'))
    },
  }
}

/** The Consoles that run on a shared database, but the one with that id. */
export async function runningHolders(
  db: Kysely<Database>,
  but = '',
): Promise<{ name: string; key_ids: string }[]> {
  return db
    .selectFrom('master_key_holders')
    .where('console_id', '!=', but)
    .where('seen_at', '>', heardSince)
    .select(['name', 'key_ids'])
    .orderBy('name')
    .execute()
}

function missing(key: string, keyDir: string, without: { name: string }[]): KeyrackError {
  const names = without.map(({ name }) => name).join(', ')
  return new KeyrackError(
    'conflict',
    `nothing is sealed with the new master key ${key} yet, because Consoles of this database do not have it: ${names}`,
    {
      hint: `copy ${keyDir}/${key}.key into KEY_DIR of each, where it is noticed within seconds, and run again: keyrack-console keys rotate`,
    },
  )
}

/** One clock for all: that of PostgreSQL, which is the only database that several Consoles share. */
const databaseTime = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint`
const heardSince = sql<number>`(extract(epoch from clock_timestamp()) * 1000)::bigint - ${sql.lit(LAPSED_MS)}`
