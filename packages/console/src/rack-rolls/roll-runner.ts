import { setTimeout as sleep } from 'node:timers/promises'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { type Advance, advanceRoll } from './advance-roll.ts'
import { hasEnded } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'
import { findRoll, MovedElsewhere } from './roll-rows.ts'

const RETRY_MS = 250
const RETRY_MS_MAX = 5_000
/** A grace may be days, and a clock may be set: nobody sleeps longer than this at once. */
const NAP_MS_MAX = 30_000
/** How often other Consoles' rolls are looked at, where there are others. */
const ADOPT_MS = 3_000

/**
 * Drives the open rolls: those that a crash left at start-up, each new one, and those of a Console
 * that is gone. Every act is safe to repeat and every state is written by compare-and-swap, so two
 * drivers of one roll harm nothing.
 */
export class RollRunner {
  readonly #domain: RollDomain
  readonly #stopping = new AbortController()
  readonly #driven = new Map<string, Driven>()
  #adopting: Promise<void> = Promise.resolve()
  #adoptTimer: NodeJS.Timeout | undefined
  readonly #failed: (rackId: string) => void

  /** `failed` is told of each step that was in vain: the Rack may take neither of the roll's keys. */
  constructor(domain: RollDomain, failed: (rackId: string) => void) {
    this.#domain = domain
    this.#failed = failed
  }

  /** Takes up what is open. Does not wait for any Rack. */
  async start(): Promise<void> {
    await this.#adopt()
    if (this.#domain.replicas.id !== '') this.#adoptAgain()
  }

  /** Ends where it stands; the next start goes on. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    clearTimeout(this.#adoptTimer)
    for (const driven of this.#driven.values()) driven.nap.abort()
    await Promise.all([this.#adopting, ...[...this.#driven.values()].map(({ done }) => done)])
  }

  /** There is something to do for this roll: it began, or somebody asked for its end. */
  wake(rollId: string): void {
    if (this.#stopping.signal.aborted) return
    const driven = this.#driven.get(rollId)
    if (driven !== undefined) {
      driven.woken = true
      driven.nap.abort()
      return
    }
    const fresh: Driven = { nap: new AbortController(), woken: false, done: Promise.resolve() }
    this.#driven.set(rollId, fresh)
    fresh.done = this.#drive(rollId, fresh).finally(() => {
      this.#driven.delete(rollId)
      // Woken while it was ending: what was asked for may need another look.
      if (fresh.woken) this.wake(rollId)
    })
  }

  async #drive(rollId: string, driven: Driven): Promise<void> {
    const { signal } = this.#stopping
    let failures = 0
    while (!signal.aborted) {
      driven.woken = false
      const step = await this.#step(rollId)
      if (step.kind === 'ended') return
      failures = step.kind === 'back' ? failures + 1 : 0
      if (step.kind === 'moved' || driven.woken) continue
      const waitMs =
        step.kind === 'back'
          ? Math.min(RETRY_MS_MAX, RETRY_MS * 2 ** Math.min(failures - 1, 10))
          : Math.min(NAP_MS_MAX, Math.max(50, (step.until ?? 0) - this.#domain.clock()))
      driven.nap = new AbortController()
      const naps = AbortSignal.any([signal, driven.nap.signal])
      await sleep(waitMs, undefined, { signal: naps }).catch(() => undefined)
    }
  }

  /** One step; what went wrong is written to the roll, for whoever asks, and tried again. */
  async #step(rollId: string): Promise<Advance> {
    const { log } = this.#domain
    try {
      const step = await advanceRoll(this.#domain, rollId, this.#stopping.signal)
      if (step.kind === 'waits') await this.#note(rollId, { waiting: step.reason })
      if (step.kind === 'back') {
        log.warn({ roll: rollId, reason: step.reason }, 'a roll of a Rack key goes back a step')
        await this.#note(rollId, { error: step.reason })
      }
      return step
    } catch (error) {
      if (error instanceof MovedElsewhere) return { kind: 'moved', state: 'staging' }
      const reason =
        error instanceof KeyrackError ? errorText(error) : 'the Console failed; see its log'
      if (!this.#stopping.signal.aborted) {
        log.warn({ err: error, roll: rollId }, 'a step of a roll failed and is tried again')
        await this.#note(rollId, { error: reason })
      }
      return { kind: 'back', reason }
    }
  }

  /** For people and the reconciler; a database that cannot be written to stops nothing here. */
  async #note(rollId: string, said: { waiting: string } | { error: string }): Promise<void> {
    const { store, log } = this.#domain
    try {
      const roll = await findRoll(store.db, rollId)
      if (roll === undefined || hasEnded(roll)) return
      if ('error' in said) this.#failed(roll.rack_id)
      const same = 'waiting' in said ? roll.waiting === said.waiting : roll.error === said.error
      if (same) return
      await store.transaction((tx) =>
        tx
          .updateTable('rack_rolls')
          .set(said)
          .where('id', '=', rollId)
          .where('open_rack_id', 'is not', null)
          .execute(),
      )
    } catch (error) {
      log.error({ err: error, roll: rollId }, 'the state of a roll could not be noted')
    }
  }

  async #adopt(): Promise<void> {
    const { store, replicas } = this.#domain
    const open = await store.db
      .selectFrom('rack_rolls')
      .where('open_rack_id', 'is not', null)
      .select(['id', 'driver'])
      .execute()
    for (const { id, driver } of open) {
      if (driver === replicas.id || (await this.#takeOver(id, driver))) this.wake(id)
    }
  }

  async #takeOver(rollId: string, driver: string): Promise<boolean> {
    const { store, replicas, log } = this.#domain
    if (driver !== '' && replicas.id !== '' && !(await replicas.isGone(driver))) return false
    const taken = await store.transaction((tx) =>
      tx
        .updateTable('rack_rolls')
        .set({ driver: replicas.id })
        .where('id', '=', rollId)
        .where('driver', '=', driver)
        .returning('id')
        .executeTakeFirst(),
    )
    if (taken !== undefined) log.info({ roll: rollId, driver }, 'a roll is taken over')
    return taken !== undefined
  }

  #adoptAgain(): void {
    this.#adoptTimer = setTimeout(() => {
      this.#adopting = this.#adopt()
        .catch((error: unknown) => {
          this.#domain.log.warn({ err: error }, 'open rolls could not be looked at')
        })
        .then(() => {
          if (!this.#stopping.signal.aborted) this.#adoptAgain()
        })
    }, ADOPT_MS)
  }
}

interface Driven {
  nap: AbortController
  woken: boolean
  done: Promise<void>
}
