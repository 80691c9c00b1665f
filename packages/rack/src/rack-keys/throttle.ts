import { isIPv6 } from 'node:net'

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
export class Throttle {
  readonly #now: () => number
  /** Address to presented hash to the time it was first presented, the least recent first. */
  readonly #failures = new Map<string, Map<string, number>>()

  constructor(now: () => number = Date.now) {
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

/** One guesser owns a whole IPv6 /64, so that is what counts as one address. */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped?.[1] !== undefined) return mapped[1]
  const [bare = ''] = address.split('%')
  if (!isIPv6(bare)) return address
  const [head = '', tail] = bare.split('::')
  const before = head === '' ? [] : head.split(':')
  const after = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - before.length - after.length)
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after]
  const prefix = groups.slice(0, 4).map((group) => Number.parseInt(group, 16).toString(16))
  return `${prefix.join(':')}::/64`
}
