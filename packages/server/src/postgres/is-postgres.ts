import { type Kysely, PostgresAdapter } from 'kysely'

/** For migrations: the few statements that the two databases spell differently, such as triggers. */
export function isPostgres<S>(db: Kysely<S>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter
}
