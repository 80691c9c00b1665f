import { sql } from 'kysely'
import type { ConsoleContext } from '../../context.ts'
import type { Database } from '../../database/schema.ts'

type Row = Record<string, string | number | null>

/** Everything about credentials in the database, to be put back later by somebody who writes to it. */
export async function storedState(
  { store }: Pick<ConsoleContext, 'store'>,
  tables: readonly (keyof Database)[] = [
    'api_keys',
    'deploy_keys',
    'credential_macs',
    'credential_head',
  ],
): Promise<() => Promise<void>> {
  const saved = await store.read(async (tx) => {
    const found = new Map<string, Row[]>()
    for (const table of tables) {
      found.set(table, (await sql<Row>`select * from ${sql.table(table)}`.execute(tx)).rows)
    }
    return found
  })
  return () =>
    store.transaction(async (tx) => {
      for (const [table, rows] of saved) {
        await sql`delete from ${sql.table(table)}`.execute(tx)
        for (const row of rows) {
          const columns = sql.join(Object.keys(row).map((column) => sql.ref(column)))
          await sql`insert into ${sql.table(table)} (${columns})
            values (${sql.join(Object.values(row))})`.execute(tx)
        }
      }
    })
}
