import { setTimeout as sleep } from 'node:timers/promises'
import { KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import type { RequestContext } from '../context.ts'
import type { AccountEntry, RackEntry } from '../directory.ts'
import { actorNow, administeredRack, type RackName } from '../racks/administered-rack.ts'
import { cancelRoll } from './cancel-roll.ts'
import { finishRoll } from './finish-roll.ts'
import { readGeneration } from './key-generations.ts'
import { type KeyUse, usesOfOldKey } from './key-uses.ts'
import { type ReconciledRack, Reconciler } from './reconcile.ts'
import { hasEnded, isInGrace, type Roll } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'
import { type ForeseenRoll, foreseeRoll } from './roll-method.ts'
import { findLastDone, findLastRoll, findOpenRoll, findRoll } from './roll-rows.ts'
import { RollRunner } from './roll-runner.ts'
import { findSchedule, type RollSchedule, scheduleRolls } from './schedule-rolls.ts'
import { Scheduler } from './scheduler.ts'
import { setRackKey } from './set-rack-key.ts'
import { type StartedRoll, startRoll } from './start-roll.ts'
import type { Webhook } from './webhook.ts'

const GRACE_MS_MAX = 30 * 24 * 60 * 60_000
/** How long a new roll waits for the end of one whose grace it ends. */
const FINISHING_MS = 20_000

export interface KeyReport {
  rack: RackEntry
  roll: Roll | undefined
  uses: KeyUse[]
  schedule: RollSchedule | undefined
  /** The last one that was done, whatever became of later ones. */
  lastDone: Roll | undefined
  /** How many keys the Rack has had, by its own account. */
  generation: number | undefined
  foreseen: ForeseenRoll
}

/** Rolling the keys of Racks: what an administrator asks for, and what goes on by itself. */
export class RackRolls {
  readonly #domain: RollDomain
  readonly #runner: RollRunner
  readonly #scheduler: Scheduler
  readonly #reconciler: Reconciler

  constructor(domain: RollDomain, webhook: Webhook) {
    this.#domain = domain
    this.#reconciler = new Reconciler(domain)
    this.#runner = new RollRunner(domain, (rackId) => this.#reconciler.refused(rackId))
    const wake = (rollId: string): void => this.#runner.wake(rollId)
    this.#scheduler = new Scheduler({ domain, webhook, wake })
  }

  /** Before the first request: this Console counts among those that a roll waits for. */
  async start(): Promise<void> {
    await this.#domain.replicas.start()
    await this.#runner.start()
    this.#scheduler.start()
  }

  async stop(): Promise<void> {
    await this.#scheduler.stop()
    await this.#runner.stop()
    await this.#reconciler.settle()
    await this.#domain.replicas.stop()
  }

  /** For the proxy: a request takes that version of the key; call the answer when its head has come. */
  begin(rack: Pick<RackEntry, 'id' | 'keyVersion'>): () => void {
    return this.#domain.keysInFlight.begin(rack.id, rack.keyVersion)
  }

  /** For the proxy: what an answer said of the Rack's key. */
  heard(rackId: string, generation: number): void {
    this.#reconciler.noticed(rackId, generation)
  }

  /** Looks at the key of every Rack of the Console, after a restore. */
  async reconcile(): Promise<ReconciledRack[]> {
    return this.#reconciler.lookAtAll(this.#domain.directory.allRacks())
  }

  /** For the proxy: the Rack has refused our key. */
  refused(rackId: string): void {
    this.#reconciler.refused(rackId)
  }

  async roll(
    actor: AccountEntry,
    name: RackName,
    graceMs: number,
    request: RequestContext,
  ): Promise<StartedRoll> {
    const before = this.#administered(actor, name)
    if (!Number.isSafeInteger(graceMs) || graceMs < 0 || graceMs > GRACE_MS_MAX) {
      throw new KeyrackError('invalid', 'a grace lasts from 0 seconds to 30 days', {
        field: 'grace_seconds',
        hint: 'give 3600 for an hour, for example',
      })
    }
    await this.#reconciler.beforeRoll(before.id)
    const rack = this.#administered(actor, name)
    const startedBy = { id: actor.id, name: actor.email }
    const asked = { graceMs, startedBy, stillAllowed: () => void this.#administered(actor, name) }
    const started = await startRoll(this.#domain, rack, asked, request)
    this.#runner.wake(started.roll.id)
    if (!started.joined || !isInGrace(started.roll)) return started
    await this.#endGrace(actor, started.roll)
    const next = await startRoll(this.#domain, this.#administered(actor, name), asked, request)
    this.#runner.wake(next.roll.id)
    return next
  }

  /** Whoever wants a new key now, wants the one before the last to be gone. */
  async #endGrace(actor: AccountEntry, roll: Roll): Promise<void> {
    await finishRoll(this.#domain, roll, { force: true }, { id: actor.id, name: actor.email })
    this.#runner.wake(roll.id)
    const patience = AbortSignal.timeout(FINISHING_MS)
    while (!patience.aborted) {
      const now = await findRoll(this.#domain.store.db, roll.id)
      if (now === undefined || hasEnded(now)) return
      await sleep(20)
    }
    throw new KeyrackError('conflict', `the roll before this one (${roll.id}) is being finished`, {
      hint: 'see how far it is: convox rack key status; then ask again',
    })
  }

  async report(actor: AccountEntry, name: RackName): Promise<KeyReport> {
    const rack = this.#administered(actor, name)
    const { db } = this.#domain.store
    const roll = await findLastRoll(db, rack.id)
    // A Rack that is down tells nothing, and the rest is worth telling all the same.
    const uses = roll === undefined ? [] : await usesOfOldKey(this.#domain, roll).catch(() => [])
    return {
      ...{ rack, roll, uses, foreseen: foreseeRoll(rack) },
      schedule: await findSchedule(db, rack.id),
      lastDone: await findLastDone(db, rack.id),
      generation: await readGeneration(db, rack.id),
    }
  }

  async finish(actor: AccountEntry, name: RackName, force: boolean): Promise<Roll> {
    const roll = await this.#open(actor, name)
    await finishRoll(this.#domain, roll, { force }, { id: actor.id, name: actor.email })
    return this.#woken(roll)
  }

  async cancel(actor: AccountEntry, name: RackName): Promise<Roll> {
    const roll = await this.#open(actor, name)
    await cancelRoll(this.#domain, roll.id, { id: actor.id, name: actor.email })
    return this.#woken(roll)
  }

  schedule(
    actor: AccountEntry,
    name: RackName,
    everyMs: number | null,
    request: RequestContext,
  ): Promise<void> {
    const rack = this.#administered(actor, name)
    return scheduleRolls(this.#domain, actor, rack, everyMs, request)
  }

  async set(
    actor: AccountEntry,
    name: RackName,
    key: Secret,
    request: RequestContext,
  ): Promise<void> {
    const rack = this.#administered(actor, name)
    await setRackKey(this.#domain, actor, rack, key, request, () => {
      this.#administered(actor, name)
    })
  }

  #administered(actor: AccountEntry, name: RackName): RackEntry {
    const { directory } = this.#domain
    const now = actorNow(directory, actor)
    return administeredRack(directory, now, name, 'roll the keys of its Racks')
  }

  async #open(actor: AccountEntry, name: RackName): Promise<Roll> {
    const rack = this.#administered(actor, name)
    const roll = await findOpenRoll(this.#domain.store.db, rack.id)
    if (roll !== undefined) return roll
    throw new KeyrackError('conflict', 'no roll of this key is under way', {
      hint: 'begin one: convox rack key roll',
    })
  }

  async #woken(roll: Roll): Promise<Roll> {
    this.#runner.wake(roll.id)
    return (await findRoll(this.#domain.store.db, roll.id)) ?? roll
  }
}
