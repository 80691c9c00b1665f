import {
  type DatabaseConnection,
  type DatabaseIntrospector,
  type Dialect,
  type DialectAdapter,
  type Driver,
  type Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type QueryCompiler,
  type TransactionSettings,
} from 'kysely'
import type pg from 'pg'
import type { TransactionGuard } from '../store/transaction-guard.ts'
import { serverFailure } from './failures.ts'
import { PostgresConnection } from './postgres-connection.ts'

/** Changed once, when the migrations are done. */
export interface Patience {
  patient: boolean
}

class PostgresDriver implements Driver {
  readonly #pool: pg.Pool
  readonly #guard: TransactionGuard
  readonly #patience: Patience
  readonly #clients = new WeakMap<DatabaseConnection, pg.PoolClient>()

  constructor(pool: pg.Pool, guard: TransactionGuard, patience: Patience) {
    this.#pool = pool
    this.#guard = guard
    this.#patience = patience
  }

  async init(): Promise<void> {}

  async acquireConnection(): Promise<DatabaseConnection> {
    this.#guard.assertOutside()
    const client = await this.#pool.connect().catch((error: unknown) => {
      throw serverFailure(error)
    })
    const connection = new PostgresConnection(client)
    this.#clients.set(connection, client)
    return connection
  }

  async beginTransaction(
    connection: DatabaseConnection,
    settings: TransactionSettings,
  ): Promise<void> {
    this.#guard.assertOpening()
    const readOnly = settings.accessMode === 'read only'
    await ours(connection).begin({ readOnly, patient: this.#patience.patient })
  }

  async commitTransaction(connection: DatabaseConnection): Promise<void> {
    await ours(connection).commit()
  }

  async rollbackTransaction(connection: DatabaseConnection): Promise<void> {
    // What made it roll back is what the caller must hear; a connection that cannot is discarded.
    await ours(connection)
      .rollback()
      .catch(() => undefined)
  }

  async releaseConnection(connection: DatabaseConnection): Promise<void> {
    const lent = ours(connection)
    await lent.end()
    this.#clients.get(connection)?.release(lent.broken)
  }

  /** Waits for what is under way, then closes for good. */
  async destroy(): Promise<void> {
    await this.#pool.end()
  }
}

function ours(connection: DatabaseConnection): PostgresConnection {
  if (!(connection instanceof PostgresConnection)) throw new TypeError('a foreign connection')
  return connection
}

/** Kysely on a pool of connections to one PostgreSQL database, guarded as the SQLite one. */
export class PostgresDialect implements Dialect {
  readonly #driver: () => Driver

  constructor(pool: pg.Pool, guard: TransactionGuard, patience: Patience) {
    this.#driver = () => new PostgresDriver(pool, guard, patience)
  }

  createDriver(): Driver {
    return this.#driver()
  }

  createAdapter(): DialectAdapter {
    return new PostgresAdapter()
  }

  createQueryCompiler(): QueryCompiler {
    return new PostgresQueryCompiler()
  }

  createIntrospector(db: Kysely<unknown>): DatabaseIntrospector {
    return new PostgresIntrospector(db)
  }
}
