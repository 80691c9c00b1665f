import type { Migration } from '@keyrack/server'
import { sql } from 'kysely'

/** The tokens that are accepted, and the key that signs them. */
export const accessTokens: Migration = {
  id: 5,
  name: 'access tokens',
  async up(tx) {
    await tx.schema
      .createTable('access_token_key')
      .addColumn('singleton', 'integer', (column) => column.primaryKey().check(sql`singleton = 1`))
      .addColumn('sealed', 'text', (column) => column.notNull())
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute()
    await tx.schema
      .createTable('access_tokens')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('role', 'text', (column) => column.notNull().check(sql`role in ('read', 'write')`))
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .execute()
  },
}
