import { KeyrackError } from '@keyrack/protocol'
import { networkOf } from '@keyrack/server'

interface Rule {
  /** Failures that cost nothing. */
  free: number
  delayMsMax: number
}

const PER_ACCOUNT_AND_ADDRESS: Rule = { free: 5, delayMsMax: 15 * 60_000 }
/** Lower, because an office shares one address. */
const PER_ADDRESS: Rule = { free: 30, delayMsMax: 60_000 }

const FORGET_AFTER_MS = 60 * 60_000
const ENTRIES_MAX = 20_000

interface Entry {
  failures: number
  lastAt: number
}

/**
 * Growing delays for guessing, kept in memory. Both counters belong to the guesser's address, so
 * nobody can lock out an owner who is somewhere else; the limit that NIST sets per account is
 * sign-in-limit.ts.
 */
export class SignInThrottle {
  readonly #entries = new Map<string, Entry>()
  readonly #clock: () => number

  /** The clock is monotonic: setting the machine's time must not lift or prolong a delay. */
  constructor(clock: () => number = () => performance.now()) {
    this.#clock = clock
  }

  /**
   * Counts an attempt as failed until `succeeded`, before the slow work starts: otherwise a
   * thousand guesses sent at once would all find a clean slate. Throws `throttled` when it comes
   * too early; such an attempt is not counted.
   */
  attempt(subject: string, address: string): void {
    const network = networkOf(address)
    const now = this.#clock()
    const wait = Math.max(
      this.#waitMs(pairKey(subject, network), PER_ACCOUNT_AND_ADDRESS, now),
      this.#waitMs(network, PER_ADDRESS, now),
    )
    if (wait > 0) {
      throw new KeyrackError('throttled', 'too many attempts to sign in from this address', {
        hint: 'wait a moment and try again',
        retryAfterSeconds: Math.ceil(wait / 1000),
      })
    }
    this.#count(pairKey(subject, network), now)
    this.#count(network, now)
  }

  /** Clears the account's counter; the address only gets this one attempt back. */
  succeeded(subject: string, address: string): void {
    const network = networkOf(address)
    this.#entries.delete(pairKey(subject, network))
    const entry = this.#entries.get(network)
    if (entry !== undefined) entry.failures -= 1
  }

  #waitMs(key: string, rule: Rule, now: number): number {
    const entry = this.#entries.get(key)
    if (entry === undefined || entry.failures < rule.free) return 0
    const delay = Math.min(rule.delayMsMax, 1000 * 2 ** (entry.failures - rule.free))
    return entry.lastAt + delay - now
  }

  #count(key: string, now: number): void {
    const entry = this.#entries.get(key)
    const stale = entry === undefined || now - entry.lastAt > FORGET_AFTER_MS
    // Put back at the end, so that the first in the map is the one unused for longest.
    this.#entries.delete(key)
    this.#entries.set(key, { failures: stale ? 1 : entry.failures + 1, lastAt: now })
    if (this.#entries.size > ENTRIES_MAX) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
  }
}

function pairKey(subject: string, network: string): string {
  return `${subject} ${network}`
}
