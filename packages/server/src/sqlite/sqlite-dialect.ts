import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import {
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  type QueryCompiler,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from 'kysely'
import { ConnectionQueue } from '../store/connection-queue.ts'
import type { TransactionGuard } from '../store/transaction-guard.ts'
import { SqliteConnection } from './sqlite-connection.ts'
import { StatementCache } from './statement-cache.ts'

/** Kysely's own adapter denies it, but SQLite rolls DDL back (sqlite.org/lang_transaction.html). */
class TransactionalAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true
  }
}

class SqliteDriver implements Driver {
  readonly #database: DatabaseSyncInstance
  readonly #guard: TransactionGuard
  readonly #statements: StatementCache
  readonly #queue = new ConnectionQueue()

  constructor(database: DatabaseSyncInstance, guard: TransactionGuard) {
    this.#database = database
    this.#guard = guard
    this.#statements = new StatementCache(database)
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#guard.assertOutside()
    await this.#queue.acquire()
    return new SqliteConnection(this.#database, this.#statements)
  }

  async beginTransaction(connection: DatabaseConnection): Promise<void> {
    this.#guard.assertOpening()
    ours(connection).begin()
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    ours(connection).commit()
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    ours(connection).rollback()
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    ours(connection).end()
    this.#queue.release()
  }

  /** Waits for the transaction that is running, then closes for good. */
  async destroy(): Promise<void> {
    await this.#queue.acquire()
    this.#statements.clear()
    try {
      // The driver finalises statements only when they are collected, so closing alone would leave
      // the rows in the log. They are safe there; this makes the one file whole.
      this.#database.exec('pragma wal_checkpoint(truncate)')
    } catch {
      // A full or failing disk: the log is read again at the next start.
    }
    this.#database.close()
  }
}

function ours(connection: DatabaseConnection): SqliteConnection {
  if (!(connection instanceof SqliteConnection)) throw new TypeError('a foreign connection')
  return connection
}

/** Kysely on one open SQLite database. */
export class SqliteDialect implements Dialect {
  readonly #database: DatabaseSyncInstance
  readonly #guard: TransactionGuard

  constructor(database: DatabaseSyncInstance, guard: TransactionGuard) {
    this.#database = database
    this.#guard = guard
  }

  createDriver(): Driver {
    return new SqliteDriver(this.#database, this.#guard)
  }

  createAdapter(): DialectAdapter {
    return new TransactionalAdapter()
  }

  createQueryCompiler(): QueryCompiler {
    return new SqliteQueryCompiler()
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new SqliteIntrospector(db)
  }
}
