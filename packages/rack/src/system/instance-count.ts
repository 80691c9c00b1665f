import type { Logger, Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'
import type { Engine } from '../engines/engine.ts'
import type { SystemLog } from './system-log.ts'

interface Options {
  store: Store<RackSchema>
  engine: Pick<Engine, 'setCount'>
  systemLog: SystemLog
  log: Pick<Logger, 'error'>
  /** What the engine was started with. */
  count: number
}

/** How many instances this Rack wants: stored first, then brought about by the engine. */
export class InstanceCount {
  readonly #options: Options
  #wanted: number
  #storing: Promise<unknown> = Promise.resolve()
  #bringing: Promise<void> | undefined
  /** How often a number was asked for, and by which request last. */
  #asked = 0
  #requestId = ''

  constructor(options: Options) {
    this.#options = options
    this.#wanted = options.count
  }

  get wanted(): number {
    return this.#wanted
  }

  /** True while the engine is being told. */
  get updating(): boolean {
    return this.#bringing !== undefined
  }

  /** Resolves when it is stored; a Rack that dies now starts with that number. */
  set(count: number, requestId: string): Promise<void> {
    // One after the other, so that the last one stored is the one that is brought about.
    const stored = this.#storing.then(() => this.#store(count, requestId))
    this.#storing = stored.catch(() => {})
    return stored
  }

  async #store(count: number, requestId: string): Promise<void> {
    const { store } = this.#options
    await store.db.updateTable('rack').set({ instance_count: count }).execute()
    const before = this.#wanted
    this.#wanted = count
    this.#asked += 1
    this.#requestId = requestId
    this.#tell(`${before} instances before, ${count} wanted now`)
    // The same number again is brought about again: that mends what failed the last time.
    this.#bringing ??= this.#bringAbout()
  }

  async #bringAbout(): Promise<void> {
    const { engine, log } = this.#options
    for (let done = 0; done !== this.#asked; ) {
      done = this.#asked
      try {
        await engine.setCount(this.#wanted)
      } catch (error) {
        log.error({ err: error, count: this.#wanted }, 'the number of instances was not changed')
        this.#tell('it failed; asking for the same number again tries again')
      }
    }
    this.#bringing = undefined
  }

  #tell(what: string): void {
    this.#options.systemLog.add(`update/${this.#requestId}`, what)
  }
}
