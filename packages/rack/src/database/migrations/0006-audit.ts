import type { Migration } from '@keyrack/server'

/** What was done on this Rack, by whom, next to what its Console recorded of the same. */
export const audit: Migration = {
  id: 6,
  name: 'audit',
  async up(tx) {
    await tx.schema
      .createTable('actions')
      .addColumn('id', 'bigint', (column) => column.primaryKey())
      .addColumn('at', 'bigint', (column) => column.notNull())
      .addColumn('request_id', 'text', (column) => column.notNull())
      .addColumn('actor', 'text')
      .addColumn('action', 'text', (column) => column.notNull())
      .addColumn('target', 'text', (column) => column.notNull())
      .addColumn('address', 'text', (column) => column.notNull())
      .addColumn('credential', 'text', (column) => column.notNull())
      .addColumn('outcome', 'text', (column) => column.notNull())
      .addColumn('status', 'integer')
      .addColumn('statement', 'text')
      // Where the Console wrote it down: one row, one action, so a statement is good once.
      .addColumn('row_chain', 'text')
      .addColumn('row_sequence', 'bigint')
      .addColumn('row_hash', 'text')
      .addUniqueConstraint('actions_row', ['row_chain', 'row_sequence', 'row_hash'])
      .execute()
  },
}
