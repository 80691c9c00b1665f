import { errorText, KeyrackError } from '@keyrack/protocol'
import type { RackEntry } from '../directory.ts'
import { newId } from '../new-id.ts'
import { displayName } from '../proxy/find-rack.ts'
import { pauseOf } from '../vault/pause.ts'
import type { Roll } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'
import type { RollSchedule } from './schedule-rolls.ts'
import { type StartedRoll, startRoll } from './start-roll.ts'
import type { Webhook } from './webhook.ts'

const TICK_MS = 30_000
/** A roll that could not be begun is tried again before its next turn. */
const AGAIN_MS = 60 * 60_000
/** A scheduled roll that is open for this long needs somebody. */
const STALLED_MS = 15 * 60_000

export interface SchedulerOptions {
  domain: RollDomain
  webhook: Webhook
  /** Starts driving a roll. */
  wake: (rollId: string) => void
  tickMs?: number
}

/** Begins the rolls whose time has come, on one of the Consoles of a database. */
export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #told = new Set<string>()
  #timer: NodeJS.Timeout | undefined
  #ticking: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(options: SchedulerOptions) {
    this.#options = options
  }

  start(): void {
    this.#timer = setTimeout(() => {
      this.#ticking = this.tick()
        .catch((error: unknown) => {
          this.#options.domain.log.error({ err: error }, 'scheduled rolls could not be looked at')
        })
        .then(() => {
          if (!this.#stopped) this.start()
        })
    }, this.#options.tickMs ?? TICK_MS)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    this.#options.webhook.stop()
    await this.#ticking
  }

  /** One look at what is due now, and at scheduled rolls that do not come to their end. */
  async tick(): Promise<void> {
    const { store, clock } = this.#options.domain
    if ((await pauseOf(store.db)) !== undefined) return
    const due = await store.db
      .selectFrom('rack_roll_schedules')
      .where('next_at', '<=', clock())
      .selectAll()
      .execute()
    for (const schedule of due) if (await this.#isOurs(schedule)) await this.#begin(schedule)
    await this.#reportFailed()
  }

  /** Only one Console moves the time on, and only that one begins the roll. */
  async #isOurs({ rack_id, next_at, every_ms }: RollSchedule): Promise<boolean> {
    const { store, clock } = this.#options.domain
    const moved = await store.transaction((tx) =>
      tx
        .updateTable('rack_roll_schedules')
        .set({ next_at: clock() + every_ms })
        .where('rack_id', '=', rack_id)
        .where('next_at', '=', next_at)
        .returning('rack_id')
        .executeTakeFirst(),
    )
    return moved !== undefined
  }

  async #begin(schedule: RollSchedule): Promise<void> {
    const { domain, wake } = this.#options
    const rack = domain.directory.rackById(schedule.rack_id)
    if (rack === undefined) return
    try {
      const { roll } = await this.#roll(rack)
      wake(roll.id)
    } catch (error) {
      if (!(error instanceof KeyrackError)) throw error
      await this.#report(rack, { error: errorText(error) })
      await domain.store.transaction((tx) =>
        tx
          .updateTable('rack_roll_schedules')
          .set({ next_at: domain.clock() + Math.min(AGAIN_MS, schedule.every_ms) })
          .where('rack_id', '=', rack.id)
          .execute(),
      )
    }
  }

  #roll(rack: RackEntry): Promise<StartedRoll> {
    const asked = { graceMs: 0, startedBy: { id: null, name: SCHEDULE } }
    return startRoll(this.#options.domain, rack, asked, { requestId: newId(), address: '' })
  }

  async #reportFailed(): Promise<void> {
    const { store, clock, directory, replicas } = this.#options.domain
    const rolls = await store.db
      .selectFrom('rack_rolls')
      .where('started_by_name', '=', SCHEDULE)
      .where('started_by', 'is', null)
      .where('driver', '=', replicas.id)
      .where((or) =>
        or.or([
          or.and([or('state', '=', 'failed'), or('updated_at', '>', clock() - AGAIN_MS)]),
          or.and([or('open_rack_id', 'is not', null), or('started_at', '<', clock() - STALLED_MS)]),
        ]),
      )
      .selectAll()
      .execute()
    for (const roll of rolls) {
      const rack = directory.rackById(roll.rack_id)
      if (rack === undefined || this.#told.has(roll.id)) continue
      this.#told.add(roll.id)
      await this.#report(rack, { roll, error: roll.failure ?? roll.error ?? 'it does not end' })
    }
  }

  async #report(rack: RackEntry, failure: { roll?: Roll; error: string }): Promise<void> {
    const { domain, webhook } = this.#options
    const { audit, log, clock } = domain
    const { roll, error } = failure
    log.error({ rack: rack.id, roll: roll?.id, error }, 'a scheduled roll of a Rack key failed')
    await audit.record(
      {
        organizationId: rack.organization.id,
        actor: { id: null, name: SCHEDULE },
        action: 'rack.key.schedule.failed',
        target: displayName(rack),
        rackId: rack.id,
        requestId: roll?.request_id ?? newId(),
        address: '',
      },
      { status: 502, note: error },
    )
    void webhook.send({
      type: 'rack.key.roll.failed',
      rack: displayName(rack),
      roll: roll?.id ?? null,
      state: roll?.state ?? null,
      error,
      at: new Date(clock()).toISOString(),
    })
  }
}

/** In the audit log, in the place of a person. */
export const SCHEDULE = 'schedule'
