import type { Migration } from '@keyrack/server'
import { sql } from 'kysely'

/** One row that every write to what the directory shows counts up: what other Consoles compare. */
export const directoryVersion: Migration = {
  id: 3,
  name: 'directory-version',
  async up(tx) {
    await tx.schema
      .createTable('directory_version')
      .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
      .addColumn('version', 'bigint', (column) => column.notNull())
      .execute()
    await sql`insert into directory_version (id, version) values (1, 1)`.execute(tx)
  },
}
