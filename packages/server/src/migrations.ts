import type { Kysely } from 'kysely'

/** Forward-only and never edited after a release; ids run 1, 2, 3, ... */
export interface Migration {
  id: number
  name: string
  /** For data, give the tables a type: `tx.withTables<{...}>()`, or use the `sql` tag. */
  up(tx: Kysely<unknown>): Promise<void>
}

export interface MigrationReport {
  /** Schema number before and after. */
  from: number
  to: number
  ran: Array<{ id: number; name: string; milliseconds: number }>
}

export function migrate(
  _transaction: <T>(work: (tx: Kysely<unknown>) => Promise<T>) => Promise<T>,
  _migrations: readonly Migration[],
  _now: () => number = Date.now,
): Promise<MigrationReport> {
  throw new Error('not written yet')
}
