import { KeyrackError } from '@keyrack/protocol'
import { type Kysely, sql } from 'kysely'

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

type Transact = <T>(work: (tx: Kysely<unknown>) => Promise<T>) => Promise<T>

interface Recorded {
  id: number
  name: string
}

/**
 * Brings the schema up to date: each missing migration in one transaction with the row that records
 * it, so that a failure or a crash leaves the schema at the last whole number.
 */
export async function migrate(
  transaction: Transact,
  migrations: readonly Migration[],
  now: () => number = Date.now,
): Promise<MigrationReport> {
  assertNumbered(migrations)
  const recorded = await transaction(readRecorded)
  assertSameHistory(recorded, migrations)

  const report: MigrationReport = { from: recorded.length, to: recorded.length, ran: [] }
  for (const migration of migrations.slice(recorded.length)) {
    const started = now()
    const ran = await transaction(async (tx) => {
      // Another server that starts at the same time may have been first.
      const byNow = await readRecorded(tx)
      assertSameHistory(byNow, migrations)
      if (byNow.length >= migration.id) return false
      await migration.up(tx)
      await sql`insert into schema_migrations (id, name, applied_at)
        values (${migration.id}, ${migration.name}, ${started})`.execute(tx)
      return true
    })
    report.to = migration.id
    if (!ran) continue
    report.ran.push({ id: migration.id, name: migration.name, milliseconds: now() - started })
  }
  return report
}

async function readRecorded(tx: Kysely<unknown>): Promise<Recorded[]> {
  await tx.schema
    .createTable('schema_migrations')
    .ifNotExists()
    .addColumn('id', 'integer', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('applied_at', 'bigint', (column) => column.notNull())
    .execute()
  const result = await sql<Recorded>`select id, name from schema_migrations order by id`.execute(tx)
  return result.rows
}

function assertNumbered(migrations: readonly Migration[]): void {
  migrations.forEach((migration, index) => {
    if (migration.id !== index + 1) {
      throw new TypeError(`migration ${migration.id} (${migration.name}) must have id ${index + 1}`)
    }
  })
}

function assertSameHistory(recorded: Recorded[], migrations: readonly Migration[]): void {
  const last = recorded.at(-1)?.id ?? 0
  if (last > migrations.length) {
    throw new KeyrackError(
      'conflict',
      `the database has schema ${last}, but this version knows only up to ${migrations.length}`,
      { hint: 'start the newer version again, or restore the backup made before the upgrade' },
    )
  }
  recorded.forEach((row, index) => {
    const known = migrations[index]
    if (row.id === known?.id && row.name === known.name) return
    const wanted = `${index + 1} (${known?.name ?? 'none'})`
    throw new KeyrackError(
      'conflict',
      `the database records migration ${row.id} (${row.name}) where this version has ${wanted}`,
      { hint: 'the file belongs to another server or another build; check the data folder' },
    )
  })
}
