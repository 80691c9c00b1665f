import { KeyrackError } from '@keyrack/protocol'
import { networkOf } from '@keyrack/server'

const WINDOW_MS = 60_000
/** Memory is bounded; beyond it the longest unheard of are forgotten. */
const ADDRESSES_MAX = 10_000

/** So many requests a minute from one address, for what anybody may ask. */
export class RequestLimit {
  readonly #max: number
  readonly #now: () => number
  readonly #windows = new Map<string, { since: number; count: number }>()

  /** The clock is monotonic: setting the machine's time must not lift or prolong a wait. */
  constructor(max: number, now: () => number = () => performance.now()) {
    this.#max = max
    this.#now = now
  }

  /** Counts one; throws `throttled` when it is one too many. */
  count(address: string): void {
    const now = this.#now()
    const network = networkOf(address)
    const before = this.#windows.get(network)
    const window =
      before !== undefined && now - before.since < WINDOW_MS ? before : { since: now, count: 0 }
    window.count += 1
    this.#windows.delete(network)
    this.#windows.set(network, window)
    const [oldest] = this.#windows.keys()
    if (this.#windows.size > ADDRESSES_MAX && oldest !== undefined) this.#windows.delete(oldest)
    if (window.count <= this.#max) return
    const waitSeconds = Math.ceil((window.since + WINDOW_MS - now) / 1000)
    throw new KeyrackError('throttled', 'too many requests from this address', {
      hint: `wait ${waitSeconds} s`,
      retryAfterSeconds: waitSeconds,
    })
  }
}
