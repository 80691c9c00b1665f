import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { Kysely, sql } from 'kysely'
import { TransactionGuard } from '../store/transaction-guard.ts'
import { storageFailure } from './failures.ts'
import { SqliteDialect } from './sqlite-dialect.ts'

export interface InspectedStore<S> {
  /** Can read and nothing else. */
  readonly db: Kysely<S>
  /** The number of the last migration that ran; 0 before the first. */
  readonly schema: number
  /** What SQLite's own check found wrong; empty for a sound file, undefined where there is none of ours. */
  readonly damage: string | undefined
  close(): Promise<void>
}

/** Opens a database as it is, to look at it: nothing is migrated, repaired or made, also while a server uses it. */
export async function inspectStore<S>(file: string): Promise<InspectedStore<S>> {
  let database: DatabaseSyncInstance
  try {
    database = new DatabaseSync(file, { readOnly: true, timeout: 5000 })
  } catch (error) {
    throw storageFailure(error, file)
  }
  const db = new Kysely<S>({ dialect: new SqliteDialect(database, new TransactionGuard()) })
  try {
    const found = database.prepare('pragma quick_check(1)').all() as Array<{ quick_check: string }>
    const damage = found.map((row) => row.quick_check).filter((text) => text !== 'ok')
    return {
      db,
      schema: await schemaOf(db),
      damage: damage.join('; '),
      close: () => db.destroy(),
    }
  } catch (error) {
    await db.destroy()
    throw storageFailure(error, file)
  }
}

async function schemaOf<S>(db: Kysely<S>): Promise<number> {
  const table = await sql`select 1 from sqlite_master where name = 'schema_migrations'`.execute(db)
  if (table.rows.length === 0) return 0
  const result = await sql<{ last: number | null }>`
    select max(id) as last from schema_migrations`.execute(db)
  return result.rows[0]?.last ?? 0
}
