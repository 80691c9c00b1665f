import { errorText, KeyrackError } from '@keyrack/protocol'
import { openStore } from '../sqlite/open-store.ts'
import { ROWS_MIGRATION, type RowsSchema } from './rows-schema.ts'

// Opens the database of its first argument, writes a row, prints how that went; as the user of its
// second argument, taken on only now, since that user may not be able to read this program.
const [, , file = '', user] = process.argv
if (user !== undefined) {
  process.setgid?.(Number(user))
  process.setuid?.(Number(user))
}
try {
  const store = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
  await store.db.insertInto('rows').values({ id: 'one', n: 1 }).execute()
  await store.close()
  process.stdout.write('written\n')
} catch (error) {
  if (!(error instanceof KeyrackError)) throw error
  process.stdout.write(`${error.code}: ${errorText(error)}\n`)
}
