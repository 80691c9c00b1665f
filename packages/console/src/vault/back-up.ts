import { join } from 'node:path'
import { inspectStore, isPostgres, openStore } from '@keyrack/server'
import { type Kysely, sql } from 'kysely'
import type { ConsoleConfig } from '../config.ts'
import { MIGRATIONS } from '../database/migrations.ts'
import type { Database } from '../database/schema.ts'
import { BACKUP_FORMAT, writeBackup } from './backup-file.ts'
import { dumpRows, tablesOf } from './dump-rows.ts'

export interface BackupReport {
  schema: number
  rows: number
  bytes: number
}

/** Writes the database as it is at one moment, also while servers use it. They wait for nothing. */
export async function backUp(
  config: ConsoleConfig,
  file: string,
  now: () => number = Date.now,
): Promise<BackupReport> {
  const dump = async (db: Kysely<Database>): Promise<BackupReport> => {
    const schema = await schemaOf(db)
    const tables = await tablesOf(db)
    const header = { format: BACKUP_FORMAT, schema, created_at: now(), tables } as const
    return { schema, ...(await writeBackup(file, header, dumpRows(db, tables))) }
  }
  if (config.databaseUrl === undefined) return onFile(config, dump)
  const store = await openStore<Database>({ url: config.databaseUrl, migrations: MIGRATIONS })
  try {
    return await store.read(async (tx) => {
      // A slow disk keeps the transaction waiting between its reads.
      if (isPostgres(tx)) await sql`set local idle_in_transaction_session_timeout = 0`.execute(tx)
      return dump(tx)
    })
  } finally {
    await store.close()
  }
}

/** Over a connection of its own that can only read: in a write-ahead log, readers hold up nobody. */
async function onFile<T>(
  config: ConsoleConfig,
  work: (db: Kysely<Database>) => Promise<T>,
): Promise<T> {
  const inspected = await inspectStore<Database>(join(config.dataDir, 'console', 'db'))
  try {
    return await inspected.db.connection().execute(async (db) => {
      await sql`begin`.execute(db)
      return await work(db)
    })
  } finally {
    await inspected.close()
  }
}

async function schemaOf(db: Kysely<Database>): Promise<number> {
  const { rows } = await sql<{ last: number }>`
    select max(id) as last from schema_migrations`.execute(db)
  return rows[0]?.last ?? 0
}
