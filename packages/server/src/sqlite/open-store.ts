import type { Kysely, Transaction } from 'kysely'
import type { Migration, MigrationReport } from '../migrations.ts'

export interface Store<S> {
  /** For single statements; inside a transaction callback it throws TypeError. */
  readonly db: Kysely<S>
  /** What the migrations did when the store was opened. */
  readonly migrated: MigrationReport
  transaction<T>(work: (tx: Transaction<S>) => Promise<T>): Promise<T>
  /** Fails when the database cannot be read; for `/readyz`. */
  check(): Promise<void>
  close(): Promise<void>
}

export interface StoreOptions {
  file: string
  migrations: readonly Migration[]
  now?: () => number
}

export function openStore<S>(_options: StoreOptions): Promise<Store<S>> {
  throw new Error('not written yet')
}
