import { sql } from 'kysely'
import { openStore } from '../store/open-store.ts'
import { ROWS_MIGRATION } from './rows-schema.ts'

// Is killed inside its second migration, after that has changed the schema and a row.
const [, , file = ''] = process.argv
const deadly = {
  id: 2,
  name: 'deadly',
  async up(tx: Parameters<typeof ROWS_MIGRATION.up>[0]) {
    await sql`insert into rows (id, n) values ('from the dead', 1)`.execute(tx)
    await tx.schema.createTable('half').addColumn('id', 'text').execute()
    process.kill(process.pid, 'SIGKILL')
  },
}
await openStore({ file, migrations: [ROWS_MIGRATION, deadly] })
