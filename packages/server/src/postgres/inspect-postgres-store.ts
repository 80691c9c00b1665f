import type { Secret } from '@keyrack/secrets'
import { Kysely, sql } from 'kysely'
import pg from 'pg'
import type { Notice } from '../private-folder.ts'
import type { InspectedStore } from '../sqlite/inspect-store.ts'
import { TransactionGuard } from '../store/transaction-guard.ts'
import { checkServer } from './check-server.ts'
import { clientConfig } from './connect.ts'
import { namedFailure, READ_ONLY, reasonFailure } from './failures.ts'
import { PostgresDialect } from './postgres-dialect.ts'
import { parsePostgresUrl } from './postgres-url.ts'

/** Connects to look at a database as it is: nothing is migrated or made, also while servers use it. */
export async function inspectPostgresStore<S>(
  url: Secret,
  notice: Notice,
): Promise<InspectedStore<S>> {
  const server = parsePostgresUrl(url)
  const config = clientConfig(server, 'inspection')
  const options = `${config.options} -c default_transaction_read_only=on`
  const pool = new pg.Pool({ ...config, options, max: 1 })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  const guard = new TransactionGuard()
  const db = new Kysely<S>({ dialect: new PostgresDialect(pool, guard, { patient: false }) })
  try {
    await checkServer(db, server.name, notice)
    await refuseStandby(db)
    // The server looks after its files itself.
    return { db, schema: await schemaOf(db), damage: undefined, close: () => db.destroy() }
  } catch (error) {
    await db.destroy()
    throw namedFailure(error, server.name)
  }
}

async function refuseStandby<S>(db: Kysely<S>): Promise<void> {
  const { rows } = await sql<{ standby: boolean }>`select pg_is_in_recovery() as standby`.execute(
    db,
  )
  if (rows[0]?.standby !== false) throw reasonFailure(READ_ONLY)
}

async function schemaOf<S>(db: Kysely<S>): Promise<number> {
  const table = await sql<{ name: string | null }>`
    select to_regclass('schema_migrations')::text as name`.execute(db)
  if (table.rows[0]?.name == null) return 0
  const result = await sql<{ last: number | null }>`
    select max(id) as last from schema_migrations`.execute(db)
  return result.rows[0]?.last ?? 0
}
