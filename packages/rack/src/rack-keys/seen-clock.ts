export interface ClockSource {
  /** Milliseconds since 1970, as the machine's clock says; anybody may set it. */
  now: () => number
  /** Milliseconds that only ever grow. */
  monotonic: () => number
}

export const MACHINE_CLOCK: ClockSource = {
  now: Date.now,
  monotonic: () => performance.now(),
}

/** Clocks are slewed by at most 500 ppm (adjtime); more than this apart, one has been set. */
const SET_MS = 1_000
const SLEW = 1 / 1_000

/**
 * A clock that never goes back: deadlines are held against it, so setting the machine's clock back
 * gives nobody more time. While the machine's clock is behind, time goes on from the latest one
 * known; when it is right again, it is followed again.
 */
export class SeenClock {
  readonly #source: ClockSource
  #latest: number
  /** How far the machine's clock was set back since. */
  #behind: number
  #wall: number
  #tick: number

  /** `seenAt` is the latest time that was known to an earlier process. */
  constructor(seenAt: number, source: ClockSource = MACHINE_CLOCK) {
    this.#source = source
    this.#wall = source.now()
    this.#tick = source.monotonic()
    this.#behind = Math.max(0, seenAt - this.#wall)
    this.#latest = this.#wall + this.#behind
  }

  /** Milliseconds since 1970, never less than before. */
  now(): number {
    const wall = this.#source.now()
    const tick = this.#source.monotonic()
    const elapsed = tick - this.#tick
    const jump = wall - this.#wall - elapsed
    if (Math.abs(jump) > SET_MS + elapsed * SLEW) this.#behind = Math.max(0, this.#behind - jump)
    this.#wall = wall
    this.#tick = tick
    this.#latest = Math.max(this.#latest, Math.floor(wall + this.#behind))
    return this.#latest
  }
}
