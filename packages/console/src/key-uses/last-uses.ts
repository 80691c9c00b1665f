import type { Logger } from '@keyrack/server'
import type { Domain } from '../context.ts'

export interface LastUse {
  /** Milliseconds since 1970. */
  at: number
  address: string
  /** The client's `User-Agent`, printable ASCII, cut; empty where it sent none. */
  client: string
}

interface Options extends Pick<Domain, 'store' | 'commit' | 'directory' | 'clock'> {
  log: Logger
  /** Milliseconds between writes. */
  everyMs?: number
}

const WRITE_EVERY_MS = 30_000
const CLIENT_LENGTH_MAX = 100
/** Nobody has that many keys in use within one interval; past it, the uses of others wait. */
const PENDING_MAX = 10_000
const IN_ONE_WRITE = 100
/** How long a regenerated key can be asked for again (design 2, row 2). */
export const COPY_LIFE_MS = 24 * 60 * 60_000

/**
 * When, from where and by what each key was used last. A request only writes into memory; what is
 * there goes to the database at most every 30 s and when the Console stops. Also what ends the
 * sealed copy of a regenerated key: in memory at the first use of the key, and in the database as
 * soon as it can be written.
 */
export class LastUses {
  readonly #options: Options
  readonly #timer: NodeJS.Timeout
  #pending = new Map<string, LastUse>()
  /** Keys of which a copy is still stored although they were used. */
  readonly #used = new Set<string>()
  #writing: Promise<void> = Promise.resolve()
  #ending: NodeJS.Immediate | undefined

  constructor(options: Options) {
    this.#options = options
    this.#timer = setInterval(() => void this.write(), options.everyMs ?? WRITE_EVERY_MS)
    this.#timer.unref()
  }

  /** For the path of a request: neither waits nor throws. `hash` is of a key that was accepted. */
  note(hash: string, address: string, userAgent: string | undefined): void {
    const { clock, directory } = this.#options
    if (this.#pending.size < PENDING_MAX || this.#pending.has(hash)) {
      this.#pending.set(hash, { at: clock(), address, client: printable(userAgent) })
    }
    if (!directory.copiedKeys.has(hash) || this.#used.has(hash)) return
    this.#used.add(hash)
    this.#ending ??= setImmediate(() => {
      this.#ending = undefined
      void this.write()
    })
  }

  /** Whether a key was used here whose copy may still be in the database. */
  wasUsed(hash: string): boolean {
    return this.#used.has(hash)
  }

  /** What is known here and not yet written, which is newer than what is stored. */
  pending(hash: string): LastUse | undefined {
    return this.#pending.get(hash)
  }

  /** Writes what has gathered, one write after the other. A failure is logged, and kept for the next. */
  write(): Promise<void> {
    this.#writing = this.#writing.then(async () => {
      try {
        await this.#endCopies()
        await this.#writeUses()
      } catch (error) {
        this.#options.log.error({ err: error }, 'the last uses of keys could not be written')
      }
    })
    return this.#writing
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    if (this.#ending !== undefined) clearImmediate(this.#ending)
    await this.write()
  }

  async #endCopies(): Promise<void> {
    const { clock, commit, directory } = this.#options
    const over = clock() - COPY_LIFE_MS
    const old = [...directory.copiedKeys].filter(([, since]) => since <= over)
    const hashes = [...new Set([...this.#used, ...old.map(([hash]) => hash)])]
    if (hashes.length === 0) return
    await commit(async (tx) => {
      for (let index = 0; index < hashes.length; index += IN_ONE_WRITE) {
        await tx
          .updateTable('api_key_rolls')
          .set({ sealed_key: null })
          .where('key_hash', 'in', hashes.slice(index, index + IN_ONE_WRITE))
          .execute()
      }
    })
    for (const hash of hashes) this.#used.delete(hash)
  }

  async #writeUses(): Promise<void> {
    const taken = this.#pending
    if (taken.size === 0) return
    this.#pending = new Map()
    try {
      await this.#options.store.transaction(async (tx) => {
        const uses = [...taken]
        for (let index = 0; index < uses.length; index += IN_ONE_WRITE) {
          const some = uses.slice(index, index + IN_ONE_WRITE)
          const hashes = some.map(([hash]) => hash)
          // A key that has ended meanwhile has no use to be shown.
          const alive = new Set<string>()
          for (const table of ['api_keys', 'deploy_keys'] as const) {
            const rows = await tx
              .selectFrom(table)
              .where('hash', 'in', hashes)
              .select('hash')
              .execute()
            for (const { hash } of rows) alive.add(hash)
          }
          for (const [hash, { at, address, client }] of some) {
            if (!alive.has(hash)) continue
            await tx
              .insertInto('key_uses')
              .values({ key_hash: hash, last_at: at, address, client })
              .onConflict((conflict) =>
                conflict
                  .column('key_hash')
                  .doUpdateSet({ last_at: at, address, client })
                  // Another Console may have written a later one.
                  .where('key_uses.last_at', '<', at),
              )
              .execute()
          }
        }
      })
    } catch (error) {
      for (const [hash, use] of taken) if (!this.#pending.has(hash)) this.#pending.set(hash, use)
      throw error
    }
  }
}

function printable(text: string | undefined): string {
  return (text ?? '')
    .replaceAll(/[^\x20-\x7e]/g, '?')
    .slice(0, CLIENT_LENGTH_MAX)
    .trim()
}
