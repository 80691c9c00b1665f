import { randomBytes } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import type { Socket } from 'node:net'
import { KeyrackError } from '@keyrack/protocol'
import type {
  Engine,
  EngineCapabilities,
  EngineCapacity,
  EngineEvent,
  EngineInstance,
  EngineLog,
} from '../engine.ts'
import { dialLoopback } from './dial-loopback.ts'
import type { BootReport } from './instance/boot-messages.ts'
import { instanceEnvironment } from './instance-environment.ts'
import { InstanceFolders, newInstanceId } from './instance-folders.ts'
import { instanceProgram } from './instance-program.ts'
import { machineCapacity } from './machine-capacity.ts'
import { notLoopback } from './not-loopback.ts'
import { endMarkedProcesses } from './process-mark.ts'
import { RestartDelay } from './restart-delay.ts'
import { RunningInstance } from './running-instance.ts'
import { describeSlot, type Slot } from './slot.ts'
import { UsageMeter } from './usage.ts'

export interface LocalEngineOptions {
  /** Where the instances live: one folder each, and the token that marks their processes. */
  folder: string
  /** How many instances run; 3 unless said otherwise. */
  count?: number
  /** Lines for the authorized_keys of an instance at its first boot, marked `keyrack:<generation>`. */
  authorizedKeys: () => Promise<string[]>
  log: EngineLog
  happened?: EngineEvent
  /** The environment that instances may see. It is filtered again here, so a mistake cannot leak. */
  childEnvironment: Readonly<Record<string, string | undefined>>
  /** True when every listener of this server and of its Console is bound to loopback. */
  loopbackOnly: boolean
  /** Shown when `loopbackOnly` is false: which listener, and which variable moves it. */
  loopbackProblem?: string
  now?: () => number
  random?: (size: number) => Uint8Array
}

const DEFAULT_COUNT = 3
/** Each is a process of some 50 MB, without what runs in it. */
const MAX_COUNT = 20
/** `start` fails when so many instances in a row end at once. */
const GIVE_UP_AFTER = 5

export function createLocalEngine(options: LocalEngineOptions): Engine {
  return new LocalEngine(options)
}

/**
 * Instances as processes on this machine, with nothing to install. They are a convenience, not a
 * boundary: they run as the server's own user, so the engine refuses to run when anybody beyond
 * this machine can reach the server.
 */
class LocalEngine implements Engine {
  readonly name = 'local'
  readonly capabilities: EngineCapabilities = {
    sharesServerUser: true,
    reportsHostKeys: true,
    replacesAtOnce: true,
    maxInstances: MAX_COUNT,
  }
  readonly sshUser = 'keyrack'

  readonly #options: LocalEngineOptions
  readonly #now: () => number
  readonly #random: (size: number) => Uint8Array
  readonly #folders: InstanceFolders
  readonly #slots = new Map<string, Slot>()
  /** Emits 'change' whenever an instance can be reached or has ended. */
  readonly #events = new EventEmitter()
  #restarts = new RestartDelay()
  #usage: UsageMeter
  #owner = ''
  #wanted: number
  #phase: 'stopped' | 'starting' | 'running' = 'stopped'
  #timer: NodeJS.Timeout | undefined
  #lastFailure: unknown

  constructor(options: LocalEngineOptions) {
    this.#options = options
    this.#now = options.now ?? Date.now
    this.#random = options.random ?? randomBytes
    this.#wanted = options.count ?? DEFAULT_COUNT
    this.#folders = new InstanceFolders(options.folder)
    this.#usage = new UsageMeter(this.#owner)
  }

  async start(): Promise<void> {
    if (this.#phase !== 'stopped') throw new TypeError('the engine is started already')
    if (!this.#options.loopbackOnly) throw notLoopback(this.#options.loopbackProblem)
    instanceProgram() // Before anything is touched: an installation that is not built runs nothing.
    this.#phase = 'starting'
    this.#restarts = new RestartDelay()
    this.#owner = await this.#folders.owner(this.#random)
    this.#usage = new UsageMeter(this.#owner)
    await this.#tidyUp()
    for (const id of (await this.#folders.known()).slice(0, this.#wanted)) this.#launch(id, true)
    this.#fill()
    await this.#reachable()
    this.#phase = 'running'
    await this.#usage.read() // From here on shares of the processor are counted.
  }

  async instances(): Promise<EngineInstance[]> {
    const usage = await this.#usage.read()
    const slots = [...this.#slots.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
    return Promise.all(slots.map((slot) => describeSlot(slot, usage.get(slot.id))))
  }

  async capacity(): Promise<EngineCapacity> {
    return machineCapacity()
  }

  async setCount(count: number): Promise<void> {
    if (!Number.isSafeInteger(count) || count < 0) throw new TypeError('a count of instances')
    this.#wanted = count
    const newestFirst = this.#alive().sort((a, b) => b.startedAt - a.startedAt)
    const tooMany = newestFirst.slice(0, Math.max(0, newestFirst.length - count))
    await Promise.all(tooMany.map((slot) => this.#remove(slot)))
    this.#fill()
  }

  async terminate(id: string): Promise<void> {
    const slot = this.#find(id)
    await this.#remove(slot)
  }

  async dial(id: string, signal?: AbortSignal): Promise<Socket> {
    const { port } = this.#report(id)
    return dialLoopback(port, signal)
  }

  async hostKey(id: string): Promise<string> {
    return this.#report(id).hostKey
  }

  async stop(): Promise<void> {
    this.#phase = 'stopped'
    clearTimeout(this.#timer)
    this.#timer = undefined
    await Promise.all(
      [...this.#slots.values()].map(async (slot) => {
        slot.fate ??= 'stop'
        await slot.life?.stop()
        await slot.done
      }),
    )
    this.#events.emit('change')
  }

  #tell(level: keyof EngineLog, { id }: Slot, what: string, fields: object = {}): void {
    this.#options.log[level]({ instance: id, ...fields }, `the instance ${what}`)
    this.#options.happened?.(id, what)
  }

  #alive(): Slot[] {
    return [...this.#slots.values()].filter((slot) => slot.fate === undefined)
  }

  #find(id: string): Slot {
    const slot = this.#slots.get(id)
    if (slot === undefined) throw new KeyrackError('not-found', `instance not found: ${id}`)
    return slot
  }

  #report(id: string): BootReport {
    const { life, fate } = this.#find(id)
    if (life?.report !== undefined && fate === undefined) return life.report
    throw new KeyrackError('conflict', `instance is not running: ${id}`, {
      hint: 'wait until its status is running',
    })
  }

  /** Ends what a former life left: processes whose Rack and instance were both killed, and folders. */
  async #tidyUp(): Promise<void> {
    const left = await endMarkedProcesses({ owner: this.#owner }, 0)
    if (left > 0) this.#options.log.error({ left }, 'processes of a former life do not end')
    await this.#folders.removeBuried()
    for (const id of (await this.#folders.known()).slice(this.#wanted)) {
      await this.#folders.bury(id)
      await this.#folders.remove(id)
    }
  }

  async #reachable(): Promise<void> {
    const ready = () => this.#alive().filter((slot) => slot.life?.report !== undefined).length
    while (this.#phase === 'starting' && ready() < this.#wanted) {
      if (this.#restarts.failures >= GIVE_UP_AFTER) {
        await this.stop()
        throw new KeyrackError('not-ready', 'the instances end as soon as they start', {
          hint: 'the log says why',
          cause: this.#lastFailure,
        })
      }
      await once(this.#events, 'change')
    }
    if (this.#phase !== 'starting') {
      throw new KeyrackError('not-ready', 'the engine was stopped while it started')
    }
  }

  /** Starts what is missing, after a while when instances end as soon as they start. */
  #fill(): void {
    if (this.#phase === 'stopped' || this.#timer !== undefined) return
    if (this.#alive().length >= this.#wanted) return
    const wait = this.#restarts.milliseconds
    if (wait > 0) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        this.#launchMissing()
      }, wait)
    } else this.#launchMissing()
  }

  #launchMissing(): void {
    for (let missing = this.#wanted - this.#alive().length; missing > 0; missing -= 1) {
      this.#launch(newInstanceId(this.#random), false)
    }
  }

  #launch(id: string, known: boolean): void {
    const slot: Slot = { id, startedAt: this.#now(), done: Promise.resolve() }
    this.#slots.set(id, slot)
    slot.done = this.#live(slot, known).catch((error) => this.#untidy(slot, error))
  }

  #untidy({ id }: Slot, error: unknown): void {
    this.#options.log.error({ instance: id, err: error }, 'the instance could not be tidied away')
  }

  async #live(slot: Slot, known: boolean): Promise<void> {
    const began = performance.now()
    try {
      await this.#boot(slot)
      if (slot.fate === undefined) this.#tell('info', slot, 'runs')
      this.#events.emit('change')
    } catch (error) {
      this.#lastFailure = error
      if (slot.fate === undefined) {
        this.#tell('error', slot, 'does not start', { err: error })
        // One that came back from before may do better at the next start; a new one holds nothing.
        if (known && this.#phase === 'starting') slot.fate = 'stop'
        this.#restarts.ended(0)
      }
    }
    await slot.life?.gone
    if (slot.fate === undefined) {
      this.#tell('warn', slot, 'ended by itself; another one takes its place')
      slot.fate = 'remove'
      if (slot.life?.report !== undefined) this.#restarts.ended(performance.now() - began)
      // Without its tombstone it may come back at the next start; another one is needed now.
      await this.#folders.bury(slot.id).catch((error: unknown) => this.#untidy(slot, error))
    }
    this.#fill()
    try {
      if (slot.fate === 'remove') await this.#folders.remove(slot.id)
    } finally {
      this.#slots.delete(slot.id)
      this.#events.emit('change')
    }
  }

  async #boot(slot: Slot): Promise<void> {
    const { id } = slot
    const home = this.#folders.home(id)
    await this.#folders.create(id)
    const authorizedKeys = await this.#options.authorizedKeys()
    if (slot.fate !== undefined) return
    const owner = this.#owner
    const environment = instanceEnvironment(this.#options.childEnvironment, home, {
      owner,
      instance: id,
    })
    slot.life = new RunningInstance(
      { id, owner, home, sshUser: this.sshUser, authorizedKeys, environment },
      environment,
      this.#options.log,
    )
    await slot.life.ready
  }

  /** Gives an instance's place to another one at once, and resolves when nothing of it is left. */
  async #remove(slot: Slot): Promise<void> {
    // Before anything is undone: what cannot be recorded is not begun.
    if (slot.fate === undefined) await this.#folders.bury(slot.id)
    if (slot.fate === undefined) {
      slot.fate = 'remove'
      this.#tell('info', slot, 'is being terminated')
      this.#fill()
    }
    await slot.life?.stop()
    await slot.done
  }
}
