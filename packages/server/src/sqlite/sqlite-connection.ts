import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import type { CompiledQuery, DatabaseConnection, QueryResult } from 'kysely'
import { bindValue } from '../store/bind-value.ts'
import { storageFailure } from './failures.ts'
import type { StatementCache } from './statement-cache.ts'

/**
 * The connection as lent to one statement or one transaction. Each loan is an object of its own,
 * so that a query that was not awaited cannot run after the transaction it belongs to: on a shared
 * object it would be committed alone.
 */
export class SqliteConnection implements DatabaseConnection {
  readonly #database: DatabaseSyncInstance
  readonly #statements: StatementCache
  #state: 'plain' | 'transaction' | 'ended' = 'plain'

  constructor(database: DatabaseSyncInstance, statements: StatementCache) {
    this.#database = database
    this.#statements = statements
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const values = query.parameters.map(bindValue)
    this.#assertUsable()
    try {
      const statement = this.#statements.get(query.sql)
      if (statement.reader) return { rows: statement.all(values) as R[] }
      return { rows: [], numAffectedRows: BigInt(statement.run(values).changes) }
    } catch (error) {
      throw storageFailure(error)
    }
  }

  async *streamQuery<R>(query: CompiledQuery): AsyncIterableIterator<QueryResult<R>> {
    const values = query.parameters.map(bindValue)
    this.#assertUsable()
    try {
      for (const row of this.#statements.prepare(query.sql).iterate(values)) {
        yield { rows: [row as R] }
        this.#assertUsable()
      }
    } catch (error) {
      throw storageFailure(error)
    }
  }

  begin(): void {
    // IMMEDIATE takes the write lock now, so a transaction never fails half way for want of it.
    this.#control('begin immediate')
    this.#state = 'transaction'
  }

  commit(): void {
    this.#assertUsable()
    this.#control('commit')
    this.#state = 'ended'
  }

  rollback(): void {
    this.#state = 'ended'
    // After a full disk or an I/O error SQLite has already rolled back by itself.
    if (this.#database.isTransaction) this.#control('rollback')
  }

  end(): void {
    this.#state = 'ended'
  }

  #control(sql: string): void {
    try {
      this.#database.exec(sql)
    } catch (error) {
      throw storageFailure(error)
    }
  }

  #assertUsable(): void {
    if (this.#state === 'ended') {
      throw new TypeError('the transaction has ended; was one of its queries not awaited?')
    }
    // SQLite rolls back by itself on some failures; later statements would be committed one by one.
    if (this.#state === 'transaction' && !this.#database.isTransaction) {
      throw new TypeError('the transaction was rolled back after a failure that was ignored')
    }
  }
}
