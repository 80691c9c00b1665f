import { EventEmitter, once } from 'node:events'
import type { Logger, Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'

export interface LogLine {
  id: number
  /** Milliseconds since the epoch. */
  at: number
  /** `instance/i-1`, `rack/scale`: what the line is about. */
  source: string
  message: string
}

interface Options {
  store: Store<RackSchema>
  log: Pick<Logger, 'error'>
  now?: () => number
  /** How many lines are kept. */
  keep?: number
}

const KEEP = 5_000
const MESSAGE_LENGTH_MAX = 1_000

/**
 * What happened to this Rack, for `convox rack logs`. The newest lines are in memory, where
 * followers read them at their own pace; the database has the same ones for the next start. It is
 * written behind: a log that cannot be stored stops nothing.
 */
export class SystemLog {
  readonly #options: Required<Options>
  readonly #added = new EventEmitter().setMaxListeners(0)
  #lines: LogLine[]
  #lastId: number
  #storedId: number
  #storing: Promise<void> | undefined

  static async open(options: Options): Promise<SystemLog> {
    const { store, keep = KEEP, now = Date.now } = options
    const newestFirst = await store.db
      .selectFrom('system_log')
      .selectAll()
      .orderBy('id', 'desc')
      .limit(keep)
      .execute()
    return new SystemLog({ ...options, keep, now }, newestFirst.reverse())
  }

  private constructor(options: Required<Options>, lines: LogLine[]) {
    this.#options = options
    this.#lines = lines
    this.#lastId = lines.at(-1)?.id ?? 0
    this.#storedId = this.#lastId
  }

  get lastId(): number {
    return this.#lastId
  }

  /** The last line that the database has as well. */
  get storedId(): number {
    return this.#storedId
  }

  add(source: string, message: string): void {
    const { keep, now } = this.#options
    this.#lastId += 1
    this.#lines.push({ id: this.#lastId, at: now(), source, message: oneLine(message) })
    // Cut in batches, so that a line costs the same however many are kept.
    if (this.#lines.length > keep * 1.1) this.#lines = this.#lines.slice(-keep)
    this.#added.emit('line')
    this.#storing ??= this.#store()
  }

  /** The kept lines after the one with that id, oldest first. */
  after(id: number): LogLine[] {
    const first = this.#lines[0]
    // Ids have no gaps, so the place is known.
    return first === undefined ? [] : this.#lines.slice(Math.max(0, id + 1 - first.id))
  }

  /** Resolves when there are lines after that one; throws the reason of the signal. */
  async moreThan(id: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (this.#lastId > id) return
    try {
      await once(this.#added, 'line', { signal })
    } catch {
      throw signal.reason
    }
  }

  /** Resolves when everything is stored, or cannot be. */
  async stored(): Promise<void> {
    await this.#storing
  }

  close(): Promise<void> {
    return this.stored()
  }

  async #store(): Promise<void> {
    const { store, log, keep } = this.#options
    try {
      while (this.#storedId < this.#lastId) {
        const fresh = this.after(this.#storedId)
        const lastId = this.#lastId
        await store.transaction(async (tx) => {
          for (const line of fresh) await tx.insertInto('system_log').values(line).execute()
          await tx
            .deleteFrom('system_log')
            .where('id', '<=', lastId - keep)
            .execute()
        })
        this.#storedId = lastId
      }
    } catch (error) {
      // The next line tries again, with the lines that were missed.
      log.error({ err: error }, 'the log of the Rack cannot be stored')
    } finally {
      this.#storing = undefined
    }
  }
}

/** Whatever it holds must not look like another line, nor fill the log. */
function oneLine(text: string): string {
  const cut = text.length > MESSAGE_LENGTH_MAX ? `${text.slice(0, MESSAGE_LENGTH_MAX)}…` : text
  // Half a character, which a cut can leave, cannot be stored.
  return cut.replaceAll(/[\p{Cc}\p{Cs}]+/gu, ' ').trim()
}
