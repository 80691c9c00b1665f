import { isPostgres } from '@keyrack/server'
import { type Kysely, sql } from 'kysely'
import type { Database } from '../database/schema.ts'
import type { BackupHeader, BackupRow } from './backup-file.ts'

type Tables = BackupHeader['tables']

/** What the migrations keep for themselves. */
const NOT_DATA = 'schema_migrations'
const FETCH = 500

/** Every table, in the order in which they were made: whatever refers to another comes after it. */
export async function tablesOf(db: Kysely<Database>): Promise<Tables> {
  const { rows } = isPostgres(db)
    ? await sql<{ name: string; column: string }>`
        select c.relname as name, a.attname as column from pg_class c
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
        where c.relkind = 'r' and c.relnamespace = current_schema()::regnamespace
        order by c.oid, a.attnum`.execute(db)
    : await sql<{ name: string; column: string }>`
        select m.name as name, c.name as column from sqlite_master m
        join pragma_table_info(m.name) c
        where m.type = 'table' and m.name not like 'sqlite\\_%' escape '\\'
        order by m.rowid, c.cid`.execute(db)
  const tables = new Map<string, string[]>()
  for (const { name, column } of rows) {
    if (name !== NOT_DATA) tables.set(name, [...(tables.get(name) ?? []), column])
  }
  return [...tables].map(([name, columns]) => ({ name, columns }))
}

/** All rows, a few at a time, as they are in the transaction that `db` is. */
export async function* dumpRows(db: Kysely<Database>, tables: Tables): AsyncGenerator<BackupRow> {
  for (const [index, table] of tables.entries()) {
    for await (const row of rowsOf(db, table)) {
      yield [index, ...table.columns.map((column) => row[column] ?? null)]
    }
  }
}

type Row = Record<string, string | number | null>

async function* rowsOf(
  db: Kysely<Database>,
  { name, columns }: Tables[number],
): AsyncGenerator<Row> {
  if (!isPostgres(db)) {
    const untyped = db as unknown as Kysely<Record<string, Row>>
    yield* untyped.selectFrom(name).select(columns).stream()
    return
  }
  const list = sql.join(columns.map((column) => sql.ref(column)))
  await sql`declare dump no scroll cursor for select ${list} from ${sql.table(name)}`.execute(db)
  for (;;) {
    const { rows } = await sql<Row>`fetch ${sql.lit(FETCH)} from dump`.execute(db)
    if (rows.length === 0) break
    yield* rows
  }
  await sql`close dump`.execute(db)
}
