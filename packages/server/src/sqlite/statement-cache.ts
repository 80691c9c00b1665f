import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { BoundValue } from '../store/bind-value.ts'

/** The part of the driver's statement that is used; its own types say `any`. */
export interface Statement {
  readonly reader: boolean
  all(values: readonly BoundValue[]): unknown[]
  run(values: readonly BoundValue[]): { changes: number | bigint }
  iterate(values: readonly BoundValue[]): IterableIterator<unknown>
}

const CAPACITY = 256

/**
 * Prepared statements by their text. Preparing and asking for the columns costs 16 us, running a
 * prepared one 2 us (measured with a select by primary key on driver 1.2.1).
 */
export class StatementCache {
  readonly #database: DatabaseSyncInstance
  readonly #statements = new Map<string, Statement>()
  /** Driver 1.2.1 frees a statement that nobody refers to, also one whose rows are being read. */
  readonly #iterated = new Set<unknown>()

  constructor(database: DatabaseSyncInstance) {
    this.#database = database
  }

  get(sql: string): Statement {
    const known = this.#statements.get(sql)
    if (known !== undefined) return known
    const statement = this.prepare(sql)
    // A changed schema can change what a cached text returns, so it empties the cache.
    if (!/^\s*(select|insert|update|delete|with)\b/i.test(sql)) {
      this.#statements.clear()
      return statement
    }
    if (this.#statements.size >= CAPACITY) {
      const [oldest] = this.#statements.keys()
      if (oldest !== undefined) this.#statements.delete(oldest)
    }
    this.#statements.set(sql, statement)
    return statement
  }

  /** A statement of its own, for an iteration that may stay open. */
  prepare(sql: string): Statement {
    const statement = this.#database.prepare(sql)
    return {
      reader: statement.columns().length > 0,
      all: (values) => statement.all(...values),
      run: (values) => statement.run(...values),
      iterate: (values) => this.#iterate(statement, statement.iterate(...values)),
    }
  }

  *#iterate(statement: unknown, rows: Iterable<unknown>): IterableIterator<unknown> {
    this.#iterated.add(statement)
    try {
      yield* rows
    } finally {
      this.#iterated.delete(statement)
    }
  }

  clear(): void {
    this.#statements.clear()
  }
}
