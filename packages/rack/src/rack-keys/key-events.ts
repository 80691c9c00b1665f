import type { Transaction } from 'kysely'
import type { RackSchema } from '../database/schema.ts'
import type { SystemLog } from '../system/system-log.ts'

interface KeyEvent {
  id: number
  message: string
}

/**
 * What happens to the keys is stored with the change itself and then told to the Rack's log, which
 * is written behind; so no change is without its line, whenever the Rack is killed. A kill between
 * the two shows a line twice.
 */
export class KeyEvents {
  readonly #systemLog: SystemLog
  #toldId = 0
  /** The line of the log that the last one told became. */
  #line = 0

  constructor(systemLog: SystemLog) {
    this.#systemLog = systemLog
  }

  /** Whether there are rows that the log has by now, or will have soon. */
  get waiting(): boolean {
    return this.#toldId > 0
  }

  /** Adds messages, and gives all that is still to be told. */
  async store(tx: Transaction<RackSchema>, messages: readonly string[]): Promise<KeyEvent[]> {
    if (this.#toldId > 0 && this.#systemLog.storedId >= this.#line) {
      await tx.deleteFrom('rack_key_events').where('id', '<=', this.#toldId).execute()
    }
    const known = await tx.selectFrom('rack_key_events').selectAll().orderBy('id').execute()
    let id = Math.max(this.#toldId, known.at(-1)?.id ?? 0)
    const added = messages.map((message): KeyEvent => {
      id += 1
      return { id, message }
    })
    for (const event of added) await tx.insertInto('rack_key_events').values(event).execute()
    return [...known, ...added]
  }

  /** Once they are committed. */
  tell(events: readonly KeyEvent[]): void {
    for (const { id, message } of events) {
      if (id <= this.#toldId) continue
      this.#systemLog.add('rack/key', message)
      this.#toldId = id
      this.#line = this.#systemLog.lastId
    }
    if (events.length === 0) this.#toldId = 0
  }

  /** Resolves when the log has what it was told. */
  stored(): Promise<void> {
    return this.#systemLog.stored()
  }
}
