import type { Kysely, QueryExecutorProvider, Transaction } from 'kysely'
import type { MigrationReport } from '../migrations.ts'

/** A database, the same for SQLite and PostgreSQL. */
export interface Store<S> {
  /** For single statements; inside a transaction callback it throws TypeError. */
  readonly db: Kysely<S>
  /** What the migrations did when the store was opened. */
  readonly migrated: MigrationReport
  /** Present when other processes may write to the same database. */
  readonly shared?: SharedStore
  /**
   * Transactions run one after the other, also those of other processes; when one has resolved, its
   * rows are on the disk.
   */
  transaction<T>(work: (tx: Transaction<S>) => Promise<T>): Promise<T>
  /** Several reads of one moment; on PostgreSQL they wait for no writer. */
  read<T>(work: (tx: Transaction<S>) => Promise<T>): Promise<T>
  /** Fails when the database cannot be read; for `/readyz`. */
  check(): Promise<void>
  /** Waits for the transaction that is running. Safe to repeat. */
  close(): Promise<void>
}

/** What processes on one database say to each other. */
export interface SharedStore {
  /** Tells every listener, the own one too, once the transaction is committed; never before. */
  announce(tx: QueryExecutorProvider, channel: string, text: string): Promise<void>
  /**
   * Hears what is announced for as long as it is not closed, over lost connections. What is
   * announced while there is none is lost, so `connected` says when to look for oneself.
   */
  listen(channel: string, listener: Listener): Subscription
}

export interface Listener {
  heard(text: string): void
  /** Hearing again, or for the first time. */
  connected(): void
  /** Not hearing any more; the connection is made again by itself. */
  lost(error: unknown): void
}

export interface Subscription {
  close(): Promise<void>
}
