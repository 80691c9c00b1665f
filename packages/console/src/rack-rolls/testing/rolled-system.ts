import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { verifyChain } from '@keyrack/protocol/audit'
import type { Secret } from '@keyrack/secrets'
import { createLogger } from '@keyrack/server'
import { createAddressGuard } from '../../proxy/address-guard.ts'
import { openRackKey } from '../../racks/open-rack-key.ts'
import { REQUEST, testConfig } from '../../testing/console-domain.ts'
import { eventually } from '../../testing/eventually.ts'
import { backUp } from '../../vault/back-up.ts'
import { reconcile } from '../../vault/reconcile.ts'
import { restore } from '../../vault/restore.ts'
import { rackKeyRoutes } from '../rack-key-routes.ts'
import { findOpenRoll } from '../roll-rows.ts'
import { tryKey } from '../try-key.ts'
import type { RunningRack } from './running-rack.ts'
import { Crashed, WatchedConsole } from './watched-console.ts'

const GUARD = createAddressGuard([])
const NAME = { organization: 'acme', name: 'live' }
const PATIENCE_MS = 90_000

/** A request that has taken its key and waits for its answer. */
interface HeldRequest {
  by: WatchedConsole
  answer(): Promise<void>
}

/** What a backup has, as far as it says whether anybody gets in after it is put back. */
interface Backup {
  place: string
  keys: ReadonlySet<string>
}

export interface ConsolePlace {
  folder: string
  env: Record<string, string>
}

/**
 * A real Rack, and one or several Consoles on one database that roll its key: everything that can
 * happen to them, and what has to hold then.
 */
export class RolledSystem {
  readonly #rack: RunningRack
  readonly #places: readonly ConsolePlace[]
  readonly #folder: string
  readonly #seen = new Map<string, Secret>()
  #consoles: WatchedConsole[] = []
  #held: HeldRequest[] = []
  #shiftMs = 0
  #rackBackup: Backup | undefined
  #consoleBackup: Backup | undefined
  /** Something was put back, and not everything has been looked at since. */
  #putBack = false
  /** How often each thing was done, so that a test can tell that it tested something. */
  readonly done: Record<string, number> = {}

  constructor(rack: RunningRack, places: readonly ConsolePlace[], folder: string) {
    this.#rack = rack
    this.#places = places
    this.#folder = folder
  }

  async open(): Promise<void> {
    for (const place of this.#places) this.#consoles.push(await this.#openAt(place))
    await this.#look()
  }

  async close(): Promise<void> {
    this.#held = []
    for (const console of this.#consoles.splice(0)) await console.close()
  }

  async roll(at: number, graceMs: number): Promise<void> {
    const { by, context } = await this.#at(at)
    await this.#asked('roll', () => context.rolls.roll(by, NAME, graceMs, REQUEST))
  }

  async cancel(at: number): Promise<void> {
    const { by, context } = await this.#at(at)
    await this.#asked('cancel', () => context.rolls.cancel(by, NAME))
  }

  async finish(at: number): Promise<void> {
    const { by, context } = await this.#at(at)
    await this.#asked('finish', () => context.rolls.finish(by, NAME, true))
  }

  /** A request takes the key that this Console sees, as the proxy does. */
  hold(at: number): void {
    const by = this.#console(at)
    const { rack, context } = by
    const through = context.rolls.begin(rack)
    const key = openRackKey(context.keyring, rack)
    this.#held.push({
      by,
      answer: async () => {
        const verdict = await tryKey(GUARD, rack, key).finally(through)
        if (verdict === 'accepted') return this.#count('answered')
        if (!this.#putBack) throw new Error('a request was refused by the Rack')
        context.rolls.refused(rack.id)
      },
    })
  }

  async answerAll(): Promise<void> {
    for (const request of this.#held.splice(0)) await request.answer()
    await this.#look()
  }

  async pass(at: number, count: number): Promise<void> {
    await this.#console(at).passed(count)
    await this.#look()
  }

  jump(ms: number): void {
    this.#shiftMs += ms
  }

  /** The Console ends at some point of what it does, and starts again. */
  async crash(at: number, points: number): Promise<void> {
    const index = at % this.#consoles.length
    const before = this.#console(index)
    this.#held = this.#held.filter(({ by }) => by !== before)
    await before.crash(points)
    const place = this.#places[index]
    if (place === undefined) throw new TypeError('there is no such Console')
    this.#consoles[index] = await this.#openAt(place)
    this.#count('crash')
    await this.#look()
  }

  async killRack(): Promise<void> {
    await this.#rack.restart()
    this.#count('killed Rack')
  }

  async backUpRack(): Promise<void> {
    const place = join(this.#folder, 'rack-backup')
    const before = await this.#accepted()
    await this.#rack.kill()
    rmSync(place, { recursive: true, force: true })
    cpSync(this.#rack.dataDir, place, { recursive: true })
    await this.#rack.restart()
    const after = await this.#accepted()
    this.#rackBackup = { place, keys: new Set([...before].filter((key) => after.has(key))) }
  }

  /** Unless it is so old that nobody keeps its key any more, which the Console says aloud. */
  async restoreRack(): Promise<void> {
    const backup = this.#rackBackup
    const kept = new Set((await this.#console(0).keys()).map((key) => key.reveal()))
    if (backup === undefined || ![...backup.keys].some((key) => kept.has(key))) return
    this.#putBack = true
    await this.#rack.kill()
    rmSync(this.#rack.dataDir, { recursive: true, force: true })
    cpSync(backup.place, this.#rack.dataDir, { recursive: true })
    await this.#rack.restart()
    this.#count('restored Rack')
  }

  async backUpConsole(): Promise<void> {
    const place = join(this.#folder, 'console-backup')
    await backUp(this.#config(0), place)
    const keys = (await this.#console(0).keys()).map((key) => key.reveal())
    this.#consoleBackup = { place, keys: new Set(keys) }
  }

  async restoreConsole(): Promise<void> {
    const backup = this.#consoleBackup
    if (backup === undefined) return
    // Of every other key the Rack has a copy for its Console.
    const first = this.#rack.key.reveal()
    if ((await this.#accepted()).has(first) && !backup.keys.has(first)) return
    this.#putBack = true
    await this.close()
    const closing: Array<() => Promise<void> | void> = []
    const log = createLogger({ name: 'test', level: 'silent' })
    const options = { file: backup.place, force: true }
    await restore(this.#config(0), log, closing, options, REQUEST)
    for (const step of closing.reverse()) await step()
    await this.open()
    this.#count('restored Console')
  }

  /**
   * Leaves everybody alone until nothing is open, and says what is wrong then: the key that the
   * Console holds works, no other that ever was does, nothing is staged, the audit log is whole.
   */
  async rest(): Promise<void> {
    await this.answerAll()
    await this.#settle()
    if (this.#putBack) {
      const [first] = this.#consoles
      if (first === undefined) throw new TypeError('there is no Console')
      await eventually(
        'a Console that is reconciled',
        async () => (await reconcile(first.context, false, REQUEST)).paused === null,
        PATIENCE_MS,
      )
      // Keys that came back with the backup end with the next roll, as the alarm says.
      const { roll } = await first.context.rolls.roll(await first.founder(), NAME, 0, REQUEST)
      await this.#settle()
      const ended = await first.context.store.db
        .selectFrom('rack_rolls')
        .where('id', '=', roll.id)
        .select('state')
        .executeTakeFirstOrThrow()
      if (ended.state !== 'done') throw new Error(`after a restore a roll is ${ended.state}`)
      this.#putBack = false
    }
    await this.#check()
  }

  async #check(): Promise<void> {
    const console = this.#console(0)
    const { keyring, store } = console.context
    const held = openRackKey(keyring, console.rack)
    const accepted = await this.#accepted()
    if (accepted.size !== 1 || !accepted.has(held.reveal())) {
      throw new Error(
        `${accepted.size} keys work, and that of the Console is ${
          accepted.has(held.reveal()) ? '' : 'not '
        }among them`,
      )
    }
    const { staged, ending } = await rackKeyRoutes(GUARD, console.rack, held).status()
    if (staged !== null || ending !== null) throw new Error('the Rack knows more than one key')
    const rows = await store.db
      .selectFrom('audit')
      .where('chain', '=', console.rack.organization.id)
      .orderBy('sequence')
      .selectAll()
      .execute()
    const broken = verifyChain(rows)
    if (broken !== undefined) throw new Error(`the audit log: ${JSON.stringify(broken)}`)
  }

  async #settle(): Promise<void> {
    let last: unknown
    await eventually(
      'the end of the roll',
      async () => {
        const { store, rolls } = this.#console(0).context
        const open = await findOpenRoll(store.db, this.#console(0).rack.id)
        if (open === undefined) return true
        const { state, waiting, error, failure } = open
        last = { state, waiting, error, failure }
        if (waiting?.startsWith('both keys')) {
          await rolls.finish(await this.#console(0).founder(), NAME, true)
        }
        return false
      },
      PATIENCE_MS,
    ).catch((error: unknown) => {
      throw new Error(`${String(error)}; it is ${JSON.stringify(last)}`)
    })
    await this.#look()
  }

  /** Remembers every key that there ever was. */
  async #look(): Promise<void> {
    for (const key of await this.#console(0).keys()) this.#seen.set(key.reveal(), key)
  }

  async #accepted(): Promise<Set<string>> {
    await this.#look()
    const { rack } = this.#console(0)
    const accepted = new Set<string>()
    for (const [text, key] of this.#seen) {
      if ((await tryKey(GUARD, rack, key)) === 'accepted') accepted.add(text)
    }
    return accepted
  }

  async #asked(what: string, work: () => Promise<unknown>): Promise<void> {
    try {
      await work()
      this.#count(what)
    } catch (error) {
      if (!(error instanceof KeyrackError || error instanceof Crashed)) throw error
      this.#count(`${what}: ${error instanceof KeyrackError ? error.code : 'crashed'}`)
    }
    await this.#look()
  }

  #console(at: number): WatchedConsole {
    const console = this.#consoles[at % this.#consoles.length]
    if (console === undefined) throw new TypeError('there is no Console')
    return console
  }

  async #at(at: number) {
    const console = this.#console(at)
    return { context: console.context, by: await console.founder() }
  }

  #openAt({ folder, env }: ConsolePlace): Promise<WatchedConsole> {
    return WatchedConsole.open(folder, env, () => Date.now() + this.#shiftMs)
  }

  #config(at: number) {
    const { folder, env } = this.#places[at] ?? { folder: '', env: {} }
    return testConfig(folder, env)
  }

  #count(what: string): void {
    this.done[what] = (this.done[what] ?? 0) + 1
  }
}
