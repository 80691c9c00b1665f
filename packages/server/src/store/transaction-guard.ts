import { AsyncLocalStorage } from 'node:async_hooks'

interface Scope {
  /** 'over' stays visible to whatever the callback started and left running; it may use `db`. */
  state: 'opening' | 'inside' | 'over'
}

/**
 * Knows whether the running code is inside a transaction callback. Using `db` there would wait for
 * ever on SQLite (one connection) and would silently work outside of the transaction on PostgreSQL,
 * so both refuse it.
 */
export class TransactionGuard {
  readonly #scopes = new AsyncLocalStorage<Scope>()

  async run<T>(
    open: (inside: <R>(work: () => Promise<R>) => Promise<R>) => Promise<T>,
  ): Promise<T> {
    this.assertOutside()
    const scope: Scope = { state: 'opening' }
    return await this.#scopes.run(scope, async () => {
      try {
        return await open(async (work) => {
          scope.state = 'inside'
          return await work()
        })
      } finally {
        scope.state = 'over'
      }
    })
  }

  assertOutside(): void {
    if (this.#scopes.getStore()?.state === 'inside') {
      throw new TypeError(
        'the database was used inside a transaction callback; use the transaction that it is given',
      )
    }
  }

  assertOpening(): void {
    if (this.#scopes.getStore()?.state !== 'opening') {
      throw new TypeError('open transactions with store.transaction(...)')
    }
  }
}
