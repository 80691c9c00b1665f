import { KeyrackError } from '@keyrack/protocol'
import type { KeyrollStatus } from '@keyrack/protocol/resources'
import type { Logger, Store } from '@keyrack/server'
import type { KeyrollMode, RackSchema } from '../database/schema.ts'
import type { EngineInstance } from '../engines/engine.ts'
import { logIn, unreachable } from '../instances/log-in.ts'
import { disconnect, type SshAccess } from '../instances/ssh-connection.ts'
import type { SystemLog } from '../system/system-log.ts'
import { changeAuthorizedKeys } from './change-authorized-keys.ts'
import { describeKeyroll, leftBehind } from './describe-keyroll.ts'
import { eachAtMost } from './each-at-most.ts'
import { describeProblem, InstanceProblem } from './instance-problem.ts'
import type { Point } from './keyroll-points.ts'
import { KeyrollRecords, type KeyrollRow } from './keyroll-records.ts'
import { replaceInstances } from './replace-instances.ts'
import { settleInstance } from './settle-instance.ts'
import { timeLimit } from './time-limit.ts'

export interface KeyrollOptions {
  store: Store<RackSchema>
  access: SshAccess
  systemLog: SystemLog
  log: Logger
  /** How many instances there should be. */
  wanted: () => number
  point?: Point
  now?: () => number
  /** How long an instance may take, and how long one that starts is waited for. */
  instanceMs?: number
  /** After how long instances that were left behind are tried again, at first and at most. */
  retryMs?: { first: number; most: number }
}

const AT_ONCE = 8
const INSTANCE_MS = 60_000
const RETRY_MS = { first: 2_000, most: 60_000 }
const LOOK_AGAIN_MS = 250

/**
 * Rolls the SSH key of the instances (design 7). One worker goes from what is recorded to what
 * should be, so a roll that was interrupted goes on at the next start, and an instance that was
 * down is caught up when it is back. Only when no instance can have an old key any more, that key is
 * destroyed; and only when none is left, the roll is done.
 */
export class Keyroll {
  readonly #options: Required<KeyrollOptions>
  readonly #records: KeyrollRecords
  readonly #stopped = new AbortController()
  #working: Promise<void> | undefined
  #again = false
  #running = false
  #timer: NodeJS.Timeout | undefined
  #wait = 0

  constructor(options: KeyrollOptions) {
    const defaults = { point: () => {}, now: Date.now, instanceMs: INSTANCE_MS, retryMs: RETRY_MS }
    this.#options = { ...defaults, ...options }
    const { store, access, now } = this.#options
    this.#records = new KeyrollRecords(store, access.sshKeys, now)
  }

  /** True from the seal until every instance that could be reached has been rolled. */
  get updating(): boolean {
    return this.#running
  }

  /** Goes on with what a former life of the Rack began. */
  async resume(): Promise<void> {
    this.#running = (await this.#records.newest())?.state === 'running'
    this.look()
  }

  /**
   * Begins a roll, or joins the one that is running; resolves when every instance has been tried
   * once. What came of it is in `status`.
   */
  async roll(mode: KeyrollMode, requestId: string): Promise<void> {
    this.#stopped.signal.throwIfAborted()
    const { access, point } = this.#options
    const ids = (await access.engine.instances()).map(({ id }) => id)
    await point('before the seal')
    const roll = await this.#records.begin(mode, requestId, ids)
    if (roll === undefined) await this.#join(mode)
    else {
      this.#tell(
        roll,
        `the SSH key of the instances is being rolled: generation ${roll.generation}`,
      )
      this.#running = true
      await point('sealed')
    }
    this.look()
    await this.#working
  }

  async status(): Promise<KeyrollStatus> {
    const { sshKeys } = this.#options.access
    const roll = await this.#records.newest()
    const instances = roll === undefined ? [] : await this.#records.instances(roll.id)
    return describeKeyroll(await sshKeys.live(), roll, instances)
  }

  /**
   * Logs in to an instance that somebody gave our line by hand, and removes our other lines, which
   * may be of generations that this Rack does not know any more. Returns the generation that opens it.
   */
  async rekey(instanceId: string): Promise<number> {
    const { access, instanceMs } = this.#options
    const { sshKeys } = access
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(instanceMs)])
    const keys = await sshKeys.keysFor(instanceId)
    const { client, generation } = await logIn(access, instanceId, keys, signal).catch(
      (cause: unknown): never => {
        throw cause instanceof KeyrackError ? cause : unreachable(instanceId, cause)
      },
    )
    try {
      const [newest] = await sshKeys.live()
      if (newest?.generation === generation) {
        await changeAuthorizedKeys(client, { line: newest.line, only: true }, signal)
      }
    } catch (error) {
      // The key opens it, which was the question. Older lines are for the visit that follows, which may
      // be there already and have changed the file at this very moment.
      if (!(error instanceof InstanceProblem)) throw error
    } finally {
      disconnect(client)
    }
    this.look()
    return generation
  }

  /** Something changed among the instances, or may have: whoever is behind is tried now. */
  look(): void {
    if (this.#stopped.signal.aborted) return
    clearTimeout(this.#timer)
    this.#wait = 0
    this.#again = true
    this.#working ??= this.#work()
  }

  async stop(): Promise<void> {
    this.#stopped.abort(new KeyrackError('not-ready', 'the Rack is stopping'))
    clearTimeout(this.#timer)
    await this.#working
  }

  async #join(mode: KeyrollMode): Promise<void> {
    const running = await this.#records.newest()
    if (running === undefined || running.mode === mode || running.state !== 'running') return
    throw new KeyrackError('conflict', 'a keyroll is running already, and in the other way', {
      hint: 'see how far it is: convox instances keyroll status',
    })
  }

  async #work(): Promise<void> {
    const { log, retryMs } = this.#options
    let behind = false
    try {
      while (this.#again && !this.#stopped.signal.aborted) {
        this.#again = false
        behind = await this.#advance()
      }
    } catch (error) {
      if (this.#stopped.signal.aborted) return
      behind = true
      log.error({ err: error }, 'a keyroll could not go on')
    } finally {
      this.#working = undefined
    }
    if (!behind || this.#stopped.signal.aborted) return
    this.#wait = Math.min(Math.max(this.#wait * 2, retryMs.first), retryMs.most)
    const wait = this.#wait
    this.#timer = setTimeout(() => {
      this.look()
      this.#wait = wait
    }, wait)
    this.#timer.unref()
  }

  /** One round; true when somebody was left behind. */
  async #advance(): Promise<boolean> {
    const { point, log } = this.#options
    const roll = await this.#records.newest()
    if (roll === undefined) return false
    if (roll.state === 'running' && roll.mode === 'replace') await this.#replace(roll)
    const behind = await this.#settleAll(roll)
    if (roll.state === 'running') {
      await point('before the commit')
      await this.#records.commit(roll)
      this.#running = false
      await point('committed')
    }
    for (const generation of await this.#records.leftBy(behind)) {
      await point('before a key is destroyed')
      await this.#records.destroy(generation)
      this.#tell(roll, `no instance has generation ${generation} any more; it is destroyed`)
      await point('key destroyed')
    }
    if (behind.length > 0) {
      log.warn({ instances: behind }, 'a keyroll is not finished')
      const left = await this.#records.instances(roll.id)
      if (roll.state === 'running') this.#tell(roll, leftBehind(left))
      return true
    }
    if (roll.state === 'done') return false
    await this.#records.finish(roll)
    this.#tell(roll, `every instance has generation ${roll.generation}, and nothing older`)
    await point('finished')
    return false
  }

  #replace(roll: KeyrollRow): Promise<void> {
    const { access, wanted, point, instanceMs, log } = this.#options
    return replaceInstances({
      engine: access.engine,
      records: this.#records,
      roll,
      wanted,
      point,
      log,
      settle: (instance) => this.#settle(roll, instance.id),
      signal: this.#stopped.signal,
      replacementMs: instanceMs,
    })
  }

  /** Tries everybody who is behind, also those who are born meanwhile; returns who is left. */
  async #settleAll(roll: KeyrollRow): Promise<string[]> {
    const { instanceMs } = this.#options
    const tried = new Set<string>()
    const patience = performance.now() + instanceMs
    for (;;) {
      const behind = await this.#behind(roll)
      const moving = new Set(
        behind.filter(({ status }) => status !== 'running').map(({ id }) => id),
      )
      const todo = behind.filter(({ id }) => !tried.has(id) && !moving.has(id))
      // One that starts is worth waiting for, and one that ends is nobody's business soon.
      const waiting = moving.size > 0 && performance.now() < patience && roll.state === 'running'
      if (todo.length === 0 && !waiting) {
        for (const id of moving) await this.#records.problem(roll.id, id, 'it does not run')
        return behind.map(({ id }) => id)
      }
      if (todo.length === 0) await this.#pause()
      for (const { id } of todo) tried.add(id)
      await eachAtMost(AT_ONCE, todo, ({ id }) => this.#settle(roll, id))
      this.#stopped.signal.throwIfAborted()
    }
  }

  /** Which instances exist and are not settled; those of which the engine says they are gone are not. */
  async #behind(roll: KeyrollRow): Promise<Array<Pick<EngineInstance, 'id' | 'status'>>> {
    const { engine } = this.#options.access
    const listed = await engine.instances()
    const progress = await this.#records.instances(roll.id)
    const stateOf = new Map(progress.map(({ id, state }) => [id, state]))
    const known = new Set([
      ...progress.filter(({ state }) => state !== 'gone').map(({ id }) => id),
      ...(await this.#records.recordedIds()),
    ])
    const absent: Array<Pick<EngineInstance, 'id' | 'status'>> = []
    for (const id of known) {
      if (listed.some((instance) => instance.id === id)) continue
      if (await engine.exists(id)) absent.push({ id, status: 'running' })
      else await this.#records.gone(roll.id, id)
    }
    return [...listed, ...absent].filter(({ id }) => stateOf.get(id) !== 'done')
  }

  /** True when the instance has the new key and no other of ours. */
  async #settle(roll: KeyrollRow, instanceId: string): Promise<boolean> {
    const { access, point, log, instanceMs } = this.#options
    const { signal, over } = timeLimit(this.#stopped.signal, instanceMs)
    const parts = { access, sshKeys: access.sshKeys, records: this.#records, point }
    const { id: rollId, generation } = roll
    try {
      await settleInstance(parts, { rollId, instanceId, generation, signal })
      return true
    } catch (error) {
      if (this.#stopped.signal.aborted) throw error
      const problem = describeProblem(error)
      log.warn({ instance: instanceId, err: error }, 'an instance keeps its old SSH key for now')
      await this.#records.problem(rollId, instanceId, problem)
      return false
    } finally {
      over()
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }

  #tell(roll: KeyrollRow, what: string): void {
    this.#options.systemLog.add(`keyroll/${roll.request_id}`, what)
  }
}
