import { writeSync } from 'node:fs'
import { sql } from 'kysely'
import { openStore } from '../store/open-store.ts'
import { ROWS_MIGRATION, type RowsSchema } from './rows-schema.ts'

// Writes two rows per transaction for as long as it lives and prints each number once it is
// acknowledged. Its parent kills it.
const [, , file = ''] = process.argv
const store = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
const last = await sql<{ n: number }>`select coalesce(max(n), 0) as n from rows`.execute(store.db)
for (let n = (last.rows[0]?.n ?? 0) + 1; ; n += 1) {
  await store.transaction(async (tx) => {
    await tx
      .insertInto('rows')
      .values({ id: `${n}-first`, n })
      .execute()
    await tx
      .insertInto('rows')
      .values({ id: `${n}-second`, n })
      .execute()
  })
  writeSync(1, `${n}\n`)
}
