export interface KeyThrottleLimits {
  windowMs: number
  /** How many different wrong keys one address may present within a window. */
  differentKeys: number
  /** How many addresses are remembered at most. */
  addresses: number
}

const LIMITS: KeyThrottleLimits = { windowMs: 60_000, differentKeys: 20, addresses: 10_000 }

interface Tried {
  hashes: Set<string>
  resetAt: number
}

/**
 * Counts wrong API keys per address and presented hash (design 6). A script that repeats one old
 * key counts once and keeps getting the 401 that says what to do; only trying different keys is
 * guessing. It is asked after a key was found to be wrong, so a valid one is never delayed.
 */
export class KeyThrottle {
  readonly #limits: KeyThrottleLimits
  readonly #clock: () => number
  readonly #addresses = new Map<string, Tried>()

  constructor(clock: () => number, limits: KeyThrottleLimits = LIMITS) {
    this.#clock = clock
    this.#limits = limits
  }

  /** Counts one failure; the answer is how many seconds to wait, or undefined for a plain 401. */
  failed(address: string, presentedHash: string): number | undefined {
    const now = this.#clock()
    const { hashes, resetAt } = this.#tried(address, now)
    if (hashes.has(presentedHash)) return undefined
    if (hashes.size >= this.#limits.differentKeys) return Math.ceil((resetAt - now) / 1000)
    hashes.add(presentedHash)
    return undefined
  }

  #tried(address: string, now: number): Tried {
    const known = this.#addresses.get(address)
    if (known !== undefined && known.resetAt > now) return known
    const tried = { hashes: new Set<string>(), resetAt: now + this.#limits.windowMs }
    // Maps keep insertion order and all windows are equally long, so the first entry ends first.
    this.#addresses.delete(address)
    this.#addresses.set(address, tried)
    for (const oldest of this.#addresses.keys()) {
      if (this.#addresses.size <= this.#limits.addresses) break
      this.#addresses.delete(oldest)
    }
    return tried
  }
}
