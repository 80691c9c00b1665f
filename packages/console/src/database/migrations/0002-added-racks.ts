import type { Migration } from '@keyrack/server'

/** Racks that people add, beside the one that this server runs itself. */
export const addedRacks: Migration = {
  id: 2,
  name: 'added-racks',
  async up(tx) {
    await tx.schema
      .alterTable('racks')
      .addColumn('version', 'text', (column) => column.notNull().defaultTo(''))
      .execute()
    await tx.schema.alterTable('racks').addColumn('loopback_at', 'bigint').execute()
  },
}
