interface Begun {
  rackId: string
  keyVersion: number
}

/**
 * Requests of this Console that carry a Rack's key and whose answers have not begun yet. A Rack may
 * look at the key again until then (after a body, for example), so an old key is not ended before
 * they are through. What is streamed after that needs the key no more.
 */
export class KeysInFlight {
  readonly #begun = new Set<Begun>()
  #watchers: Array<() => void> = []

  /** A request takes this version of the Rack's key; call the answer once its head has come, or it failed. */
  begin(rackId: string, keyVersion: number): () => void {
    const begun = { rackId, keyVersion }
    this.#begun.add(begun)
    return () => {
      if (!this.#begun.delete(begun)) return
      for (const watch of this.#watchers) watch()
    }
  }

  /** How many carry a key of that Rack that is older than `keyVersion`. */
  older(rackId: string, keyVersion: number): number {
    let count = 0
    for (const begun of this.#begun) {
      if (begun.rackId === rackId && begun.keyVersion < keyVersion) count += 1
    }
    return count
  }

  /** Resolves once there is none, or when the signal says that nobody waits any more. */
  drained(rackId: string, keyVersion: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const settle = (): void => {
        if (!signal.aborted && this.older(rackId, keyVersion) > 0) return
        this.#watchers = this.#watchers.filter((watch) => watch !== settle)
        signal.removeEventListener('abort', settle)
        resolve()
      }
      this.#watchers.push(settle)
      signal.addEventListener('abort', settle)
      settle()
    })
  }
}
