import type { Secret } from '@keyrack/secrets'
import { createLogger } from '@keyrack/server'
import type { ConsoleContext } from '../../context.ts'
import type { AccountEntry, RackEntry } from '../../directory.ts'
import { type Closing, openContext } from '../../open-context.ts'
import { openRackKey } from '../../racks/open-rack-key.ts'
import { testConfig } from '../../testing/console-domain.ts'

/** A roll that waits for something passes no points. */
const MOMENT_MS = 300

/** What stops the Console everywhere once it has crashed. */
export class Crashed extends Error {}

/** A Console without listeners, whose rolls are counted by the points they pass and can be cut off. */
export class WatchedConsole {
  readonly context: ConsoleContext
  readonly #closing: Closing
  readonly #points: Points

  private constructor(context: ConsoleContext, closing: Closing, points: Points) {
    this.context = context
    this.#closing = closing
    this.#points = points
  }

  static async open(
    folder: string,
    env: Record<string, string>,
    clock: () => number,
  ): Promise<WatchedConsole> {
    const closing: Closing = []
    const points = new Points()
    const log = createLogger({ name: 'test', level: 'silent' })
    const config = testConfig(folder, env)
    const context = await openContext(config, log, closing, (name) => points.pass(name), clock)
    await context.rolls.start()
    return new WatchedConsole(context, closing, points)
  }

  async founder(): Promise<AccountEntry> {
    const { store, directory } = this.context
    const { id } = await store.db.selectFrom('accounts').select('id').executeTakeFirstOrThrow()
    const founder = directory.accountById(id)
    if (founder === undefined) throw new TypeError('there is no founder')
    return founder
  }

  get rack(): RackEntry {
    const [rack] = this.context.directory.allRacks()
    if (rack === undefined) throw new TypeError('there is no Rack')
    return rack
  }

  /** The key it holds for the Rack, its successor and those that it keeps. */
  async keys(): Promise<Secret[]> {
    const { keyring, store } = this.context
    const { id } = this.rack
    const rows = [
      ...(await store.db
        .selectFrom('racks')
        .where('id', '=', id)
        .select(['sealed_key', 'key_version'])
        .execute()),
      ...(await store.db
        .selectFrom('previous_rack_keys')
        .where('rack_id', '=', id)
        .select(['sealed_key', 'key_version'])
        .execute()),
      ...(await store.db
        .selectFrom('rack_rolls')
        .where('rack_id', '=', id)
        .where('sealed_new_key', 'is not', null)
        .select(['sealed_new_key as sealed_key', 'new_version as key_version'])
        .execute()),
    ]
    return rows.map(({ sealed_key, key_version: keyVersion }) =>
      openRackKey(keyring, { id, sealedKey: sealed_key ?? '', keyVersion }),
    )
  }

  /** Lets the rolls pass so many points, or wait for something. */
  passed(count: number): Promise<void> {
    return this.#points.passed(count)
  }

  /** After so many points nothing more is written and nobody is called. */
  async crash(count: number): Promise<void> {
    this.#points.endAfter(count)
    await this.passed(count)
    this.#points.endAfter(0)
    await this.close()
  }

  async close(): Promise<void> {
    await this.context.rolls.stop()
    for (const step of this.#closing.splice(0).reverse()) await step()
  }
}

class Points {
  #count = 0
  #end = Number.POSITIVE_INFINITY
  readonly #waiting = new Set<() => void>()

  pass(name: string): void {
    if (this.#count >= this.#end) throw new Crashed(`crashed ${name}`)
    this.#count += 1
    for (const look of this.#waiting) look()
  }

  endAfter(count: number): void {
    this.#end = this.#count + count
  }

  passed(count: number): Promise<void> {
    const until = this.#count + count
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer)
        this.#waiting.delete(look)
        resolve()
      }
      const look = (): void => {
        if (this.#count >= until) done()
      }
      const timer = setTimeout(done, MOMENT_MS)
      this.#waiting.add(look)
      look()
    })
  }
}
