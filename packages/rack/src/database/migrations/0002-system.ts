import type { Migration } from '@keyrack/server'

/** The Rack's own log, kept bounded, and which versions of it ran here. */
export const system: Migration = {
  id: 2,
  name: 'system log and releases',
  async up(tx) {
    await tx.schema
      .createTable('system_log')
      .addColumn('id', 'bigint', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('source', 'text', (column) => column.notNull())
      .addColumn('message', 'text', (column) => column.notNull())
      .execute()

    await tx.schema
      .createTable('system_releases')
      .addColumn('id', 'bigint', (column) => column.primaryKey())
      .addColumn('version', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute()
  },
}
