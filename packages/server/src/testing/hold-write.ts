import { Secret } from '@keyrack/secrets'
import { openStore } from '../store/open-store.ts'
import { ROWS_MIGRATION, type RowsSchema } from './rows-schema.ts'

// Opens the PostgreSQL database of its first argument, writes a row in a transaction, says so, and
// keeps that transaction open until it is ended.
const [, , url = ''] = process.argv
const store = await openStore<RowsSchema>({ url: Secret.of(url), migrations: [ROWS_MIGRATION] })
await store.transaction(async (tx) => {
  await tx.insertInto('rows').values({ id: 'half', n: 1 }).execute()
  process.stdout.write('holding\n')
  await new Promise(() => setInterval(() => {}, 1000))
})
