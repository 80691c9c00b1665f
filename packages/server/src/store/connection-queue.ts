/** Hands the one SQLite connection to one user at a time, first come, first served. */
export class ConnectionQueue {
  #busy = false
  readonly #waiting: Array<() => void> = []

  async acquire(): Promise<void> {
    if (!this.#busy) {
      this.#busy = true
      return
    }
    // `release` passes the connection on without clearing `busy`, so nobody can slip in between.
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  release(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#busy = false
    else next()
  }
}
