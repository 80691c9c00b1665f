import type { Migration } from '@keyrack/server'
import { sql } from 'kysely'

/** What shows that a credential was put back (docs/decisions/0007), and who has which master key. */
export const credentialLedger: Migration = {
  id: 6,
  name: 'credential-ledger',
  async up(tx) {
    await tx.schema
      .createTable('credential_macs')
      .addColumn('table_name', 'text', (column) => column.notNull())
      .addColumn('row_id', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull())
      .addPrimaryKeyConstraint('credential_macs_key', ['table_name', 'row_id'])
      .execute()
    await tx.schema
      .createTable('credential_head')
      .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
      .addColumn('lineage', 'text', (column) => column.notNull())
      .addColumn('number', 'bigint', (column) => column.notNull())
      .addColumn('sum', 'text', (column) => column.notNull())
      .addColumn('mac', 'text', (column) => column.notNull())
      .addColumn('sealed_mac_key', 'text', (column) => column.notNull())
      .execute()
    await tx.schema
      .createTable('master_key_holders')
      .addColumn('console_id', 'text', (column) => column.primaryKey())
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('key_ids', 'text', (column) => column.notNull())
      .addColumn('seen_at', 'bigint', (column) => column.notNull())
      .execute()
    await tx.schema
      .createTable('pause')
      .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
      .addColumn('since', 'bigint', (column) => column.notNull())
      .addColumn('reason', 'text', (column) => column.notNull())
      .execute()
  },
}
