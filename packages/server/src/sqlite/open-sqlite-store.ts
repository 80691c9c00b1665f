import { closeSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type DatabaseSyncInstance } from '@photostructure/sqlite'
import { Kysely, sql, type Transaction } from 'kysely'
import { type MigrationReport, migrate } from '../migrations.ts'
import { folderFailure, type Notice, privateFolder, tightenMode } from '../private-folder.ts'
import type { StoreSettings } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { TransactionGuard } from '../store/transaction-guard.ts'
import { storageFailure } from './failures.ts'
import { SqliteDialect } from './sqlite-dialect.ts'

/** Opens the database file, makes it private and durable, and brings its schema up to date. */
export async function openSqliteStore<S>(
  options: StoreSettings & { file: string },
): Promise<Store<S>> {
  const { file, migrations, now = Date.now, notice = () => {} } = options
  const database = openDatabase(file, notice)
  const guard = new TransactionGuard()
  const db = new Kysely<S>({ dialect: new SqliteDialect(database, guard) })
  const transaction = <T>(work: (tx: Transaction<S>) => Promise<T>): Promise<T> =>
    guard.run((inside) => db.transaction().execute((tx) => inside(() => work(tx))))

  let migrated: MigrationReport
  try {
    migrated = await migrate((work) => transaction((tx) => work(untyped(tx))), migrations, now)
  } catch (error) {
    await db.destroy()
    throw storageFailure(error, file)
  }

  let closing: Promise<void> | undefined
  return {
    db,
    migrated,
    transaction,
    // One connection: a transaction sees one moment whether it writes or not.
    read: transaction,
    async check() {
      await sql`select count(*) from schema_migrations`.execute(db)
    },
    close() {
      closing ??= db.destroy()
      return closing
    },
  }
}

/** Migrations make the tables, so they cannot be written against the types of the finished ones. */
function untyped<S>(tx: Transaction<S>): Kysely<unknown> {
  return tx as unknown as Kysely<unknown>
}

function openDatabase(file: string, notice: Notice): DatabaseSyncInstance {
  privateFolder(dirname(file), notice)
  try {
    // SQLite would create it readable for everybody; its -wal and -shm files take the same mode.
    closeSync(openSync(file, 'a', 0o600))
  } catch (error) {
    throw folderFailure(file, error)
  }
  tightenMode(file, 0o600, notice)

  let database: DatabaseSyncInstance | undefined
  try {
    database = new DatabaseSync(file, { timeout: 5000, enableForeignKeyConstraints: true })
    configure(database)
    return database
  } catch (error) {
    database?.close()
    throw storageFailure(error, file)
  }
}

function configure(database: DatabaseSyncInstance): void {
  const [mode] = database.prepare('pragma journal_mode = wal').all() as Array<{
    journal_mode: string
  }>
  if (mode?.journal_mode !== 'wal') {
    throw new Error(`the database cannot use a write-ahead log here (${mode?.journal_mode})`)
  }
  // FULL syncs the log at every commit: no acknowledged row was lost at a simulated power cut.
  // fullfsync makes macOS do the same. Deleted secrets are overwritten, not only unlinked.
  database.exec(`
    pragma synchronous = full;
    pragma fullfsync = on;
    pragma checkpoint_fullfsync = on;
    pragma secure_delete = on;
    pragma trusted_schema = off;
  `)
}
