/** An instance that lived this long did not fail at once. */
const STABLE_MS = 10_000
/** So many instances in a row may fail at once before their replacements wait. */
const FREE_FAILURES = 5
const FIRST_DELAY_MS = 250
const LONGEST_DELAY_MS = 30_000

/** Keeps an engine whose instances die again and again from doing nothing else than starting them. */
export class RestartDelay {
  #failures = 0

  /** Instances in a row that ended soon after their start. */
  get failures(): number {
    return this.#failures
  }

  ended(livedMs: number): void {
    this.#failures = livedMs >= STABLE_MS ? 0 : this.#failures + 1
  }

  get milliseconds(): number {
    const beyond = this.#failures - FREE_FAILURES
    return beyond <= 0 ? 0 : Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (beyond - 1))
  }
}
