import type { Migration } from '@keyrack/server'

export const deployKeys: Migration = {
  id: 4,
  name: 'deploy keys',
  async up(tx) {
    await tx.schema
      .createTable('deploy_keys')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('organization_id', 'text', (column) =>
        column.notNull().references('organizations.id'),
      )
      .addColumn('name', 'text', (column) => column.notNull())
      .addColumn('hash', 'text', (column) => column.notNull().unique())
      .addColumn('last_four', 'text', (column) => column.notNull())
      .addColumn('created_by', 'text', (column) => column.notNull().references('accounts.id'))
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint')
      .addUniqueConstraint('deploy_keys_name', ['organization_id', 'name'])
      .execute()
  },
}
