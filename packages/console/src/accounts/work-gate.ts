import { KeyrackError } from '@keyrack/protocol'

/** Lets a few pieces of costly work run at once, a bounded number wait, and refuses the rest. */
export class WorkGate {
  readonly #runningMax: number
  readonly #waitingMax: number
  readonly #waiting: Array<() => void> = []
  #running = 0

  constructor(runningMax: number, waitingMax: number) {
    this.#runningMax = runningMax
    this.#waitingMax = waitingMax
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running < this.#runningMax) this.#running += 1
    else await this.#turn()
    try {
      return await work()
    } finally {
      // The place is handed over rather than given back, so a newcomer cannot overtake who waits.
      const next = this.#waiting.shift()
      if (next === undefined) this.#running -= 1
      else next()
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#waitingMax) {
      throw new KeyrackError('not-ready', 'too many people are signing in at this moment', {
        hint: 'try again in a few seconds',
        retryAfterSeconds: 2,
      })
    }
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}
