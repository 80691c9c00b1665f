import { networkOf } from './network-of.ts'

/** Different wrong keys that one address may present within the window before it is told to wait. */
const GUESSES_MAX = 20
const WINDOW_MS = 10 * 60 * 1000
/** Memory is bounded: at most this many addresses, each with at most GUESSES_MAX short texts. */
const ADDRESSES_MAX = 10_000

/**
 * Counts wrong keys per address. Presenting one stale key again and again is not guessing and is
 * never throttled; presenting many different ones is. Valid keys never come here (design 6), so a
 * guesser behind the same address cannot lock anybody out (ASVS 6.1.1).
 */
export class KeyThrottle {
  readonly #now: () => number
  /** Address to presented hash to the time it was first presented, the least recent first. */
  readonly #failures = new Map<string, Map<string, number>>()

  /** The clock is monotonic: setting the machine's time must not lift or prolong a wait. */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now
  }

  /** Records a refused key; the answer is how many seconds to wait, or undefined for a plain 401. */
  failed(address: string, presentedHash: string): number | undefined {
    const now = this.#now()
    const network = networkOf(address)
    const failures = this.#failures.get(network) ?? new Map<string, number>()
    // Deleted and set again, so that the map's order is the order of the last failure.
    this.#failures.delete(network)
    this.#failures.set(network, failures)
    this.#forgetOldestAddress()
    for (const [hash, since] of failures) if (now - since >= WINDOW_MS) failures.delete(hash)

    // Half of a SHA-256 tells keys apart, and the whole hash of a mistyped key is not kept.
    const mark = presentedHash.slice(0, 32)
    if (failures.has(mark)) return undefined
    if (failures.size < GUESSES_MAX) {
      failures.set(mark, now)
      return undefined
    }
    const oldest = Math.min(...failures.values())
    return Math.ceil((oldest + WINDOW_MS - now) / 1000)
  }

  /** How many addresses are remembered. */
  get size(): number {
    return this.#failures.size
  }

  #forgetOldestAddress(): void {
    if (this.#failures.size <= ADDRESSES_MAX) return
    const [oldest] = this.#failures.keys()
    if (oldest !== undefined) this.#failures.delete(oldest)
  }
}
