import type { Engine, EngineLog } from '../engines/engine.ts'

/** What was measured on all instances at one moment, in shares of a machine, 0 to 1. */
export interface Measured {
  count: number
  sum: number
  min: number
  max: number
}

export interface UsageSample {
  /** Milliseconds since the epoch. */
  at: number
  cpu: Measured
  memory: Measured
}

interface Options {
  engine: Pick<Engine, 'instances'>
  log: Pick<EngineLog, 'warn'>
  now?: () => number
  intervalMs?: number
  /** How many samples are kept; a day of them unless said otherwise. */
  keep?: number
}

const INTERVAL_MS = 60_000
const KEEP = 24 * 60

/**
 * What the instances used during the last day, for `GET /system/metrics`: one look a minute, in
 * memory only. A Rack that starts anew begins a new history.
 */
export class UsageHistory {
  readonly #options: Required<Options>
  #samples: UsageSample[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = { now: Date.now, intervalMs: INTERVAL_MS, keep: KEEP, ...options }
  }

  /** Oldest first. */
  get samples(): readonly UsageSample[] {
    return this.#samples
  }

  start(): void {
    void this.look()
    this.#timer = setInterval(() => void this.look(), this.#options.intervalMs)
    this.#timer.unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** An engine that does not answer leaves a gap, and stops nothing. */
  async look(): Promise<void> {
    const { engine, log, now, keep } = this.#options
    try {
      const running = (await engine.instances()).filter(({ status }) => status === 'running')
      if (running.length === 0) return
      const cpu = measure(running.map((instance) => instance.cpu))
      const memory = measure(running.map((instance) => instance.memory))
      this.#samples.push({ at: now(), cpu, memory })
      if (this.#samples.length > keep) this.#samples = this.#samples.slice(-keep)
    } catch (error) {
      log.warn({ err: error }, 'the use of the instances could not be measured')
    }
  }
}

function measure(values: readonly number[]): Measured {
  const sum = values.reduce((total, value) => total + value, 0)
  return { count: values.length, sum, min: Math.min(...values), max: Math.max(...values) }
}
