import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { isPostgres, type Logger, migrate, openKeyring, openStore } from '@keyrack/server'
import { type Kysely, sql } from 'kysely'
import { AuditLog } from '../audit/audit-log.ts'
import type { ConsoleConfig } from '../config.ts'
import type { RequestContext, Tx } from '../context.ts'
import { MIGRATIONS } from '../database/migrations.ts'
import type { Database } from '../database/schema.ts'
import { acceptIn } from './accept-rollback.ts'
import { writeAnchor } from './anchor-file.ts'
import { type BackupHeader, type BackupRow, backupRows, checkBackup } from './backup-file.ts'
import { tablesOf } from './dump-rows.ts'
import { runningHolders } from './master-key-holders.ts'
import { type Closing, openLockedStore } from './open-vault.ts'
import { pause } from './pause.ts'

export interface RestoreOptions {
  file: string
  /** Replaces what is there. */
  force: boolean
}

export interface RestoreReport {
  schema: number
  rows: number
  createdAt: number
  /** Credentials that no Console has written; they stay refused. */
  refused: string[]
}

/** The first schema whose databases can say whether they are the newest. */
const FIRST_SCHEMA = 6
/** Values in one statement: both databases take at least 30,000. */
const VALUES_MAX = 10_000

/**
 * Replaces the database of a stopped Console by a backup of either kind of database, in one
 * transaction. The Console is paused until it is reconciled with its Racks.
 */
export async function restore(
  config: ConsoleConfig,
  log: Logger,
  closing: Closing,
  { file, force }: RestoreOptions,
  request: RequestContext,
): Promise<RestoreReport> {
  const header = await checkBackup(file)
  refuseSchema(header)
  const keyring = await openKeyring({
    folder: config.keyDir,
    mayCreate: false,
    canary: { read: () => canaryOf(file, header), write: async () => undefined },
  })
  const store = await openLockedStore(config, log, closing)
  await refuseRunning(store.db)
  if (!force) await refuseData(store.db)
  const { anchor, refused } = await store.transaction(async (tx) => {
    await dropEverything(tx)
    await migrateTo(tx, header.schema)
    await fill(tx, file, header)
    await migrateTo(tx, MIGRATIONS.length)
    await tx.deleteFrom('sessions').execute()
    await tx.deleteFrom('master_key_holders').execute()
    const made = new Date(header.created_at).toISOString()
    await pause(tx, `restored from a backup of ${made}`)
    await new AuditLog(store).record(
      {
        organizationId: null,
        actor: { id: null, name: 'the operator of the server' },
        action: 'database.restore',
        target: `backup of ${made}`,
        ...request,
      },
      { status: 200, note: `schema ${header.schema}, ${header.rows} rows` },
      tx,
    )
    return acceptIn(tx, keyring, undefined)
  })
  writeAnchor(config.anchorFile, anchor)
  return { schema: header.schema, rows: header.rows, createdAt: header.created_at, refused }
}

function refuseSchema({ schema }: BackupHeader): void {
  if (schema >= FIRST_SCHEMA && schema <= MIGRATIONS.length) return
  throw new KeyrackError(
    'conflict',
    `the backup has schema ${schema}, but this version knows ${FIRST_SCHEMA} to ${MIGRATIONS.length}`,
    { hint: 'restore it with the version that made it, or a newer one' },
  )
}

async function canaryOf(file: string, { tables }: BackupHeader): Promise<string> {
  const index = tables.findIndex(({ name }) => name === 'canary')
  const column = tables[index]?.columns.indexOf('sealed') ?? -1
  for await (const row of backupRows(file)) {
    if (row[0] === index && column >= 0) return String(row[column + 1])
  }
  throw new KeyrackError('invalid', `the backup ${file} is of a Console that was never started`)
}

async function refuseRunning(db: Kysely<Database>): Promise<void> {
  if (!isPostgres(db)) return
  const running = await runningHolders(db)
  if (running.length === 0) return
  throw new KeyrackError(
    'conflict',
    `Consoles run on this database: ${running.map(({ name }) => name).join(', ')}`,
    { hint: 'stop them all, and wait 15 seconds where one was killed' },
  )
}

async function refuseData(db: Kysely<Database>): Promise<void> {
  for (const table of ['accounts', 'organizations', 'racks', 'audit'] as const) {
    const row = await db.selectFrom(table).select('id').limit(1).executeTakeFirst()
    if (row === undefined) continue
    throw new KeyrackError('conflict', `the database is not empty: it has ${table}`, {
      hint: 'back it up first, then add --force to replace it; nothing was changed',
    })
  }
}

/** What the migrations have made, and nothing else that somebody keeps in the same database. */
async function dropEverything(tx: Tx): Promise<void> {
  const own = await ownTables()
  const functions = isPostgres(tx) ? await triggerFunctions(tx, own) : []
  const there = (await tablesOf(tx)).map(({ name }) => name).filter((name) => own.includes(name))
  for (const name of [...there.reverse(), 'schema_migrations']) {
    await sql`drop table ${sql.table(name)} ${isPostgres(tx) ? sql`cascade` : sql``}`.execute(tx)
  }
  for (const name of functions) await sql`drop function ${sql.raw(name)}`.execute(tx)
}

/** The names of all tables of this version, from a database that is made for the question. */
async function ownTables(): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'keyrack-restore-'))
  try {
    const store = await openStore<Database>({ file: join(folder, 'db'), migrations: MIGRATIONS })
    const tables = await store.read((tx) => tablesOf(tx))
    await store.close()
    return tables.map(({ name }) => name)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function triggerFunctions(tx: Tx, tables: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select distinct t.tgfoid::regprocedure::text as name from pg_trigger t
    join pg_class c on c.oid = t.tgrelid
    where not t.tgisinternal and c.relnamespace = current_schema()::regnamespace
      and c.relname in (${sql.join(tables)})`.execute(tx)
  return rows.map(({ name }) => name)
}

async function migrateTo(tx: Tx, schema: number): Promise<void> {
  const untyped = tx as unknown as Kysely<unknown>
  await migrate((work) => work(untyped), MIGRATIONS.slice(0, schema))
}

async function fill(tx: Tx, file: string, { tables }: BackupHeader): Promise<void> {
  const known = new Map((await tablesOf(tx)).map(({ name, columns }) => [name, columns]))
  for (const { name, columns } of tables) {
    const made = known.get(name)
    if (made === undefined || columns.some((column) => !made.includes(column))) {
      throw new KeyrackError('invalid', `the backup has a table ${name} that this version does not`)
    }
    // Rows that the migrations themselves have made.
    const { rows } = await sql`select 1 from ${sql.table(name)} limit 1`.execute(tx)
    if (rows.length > 0) await sql`delete from ${sql.table(name)}`.execute(tx)
  }
  let batch: BackupRow[] = []
  for await (const row of backupRows(file)) {
    const size = batch.length * row.length
    if (batch[0] !== undefined && (batch[0][0] !== row[0] || size > VALUES_MAX)) {
      await insert(tx, tables, batch)
      batch = []
    }
    batch.push(row)
  }
  await insert(tx, tables, batch)
}

async function insert(
  tx: Tx,
  tables: BackupHeader['tables'],
  batch: readonly BackupRow[],
): Promise<void> {
  const table = tables[Number(batch[0]?.[0])]
  if (table === undefined) return
  const columns = sql.join(table.columns.map((column) => sql.ref(column)))
  const rows = batch.map(([, ...values]) => sql`(${sql.join(values)})`)
  await sql`insert into ${sql.table(table.name)} (${columns}) values ${sql.join(rows)}`.execute(tx)
}
