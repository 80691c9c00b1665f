import type { Migration } from '@keyrack/server'

/** Copies of regenerated keys for a lost reply, last uses of keys, and who made access tokens. */
export const keyCopiesAndUses: Migration = {
  id: 7,
  name: 'key-copies-and-uses',
  async up(tx) {
    await tx.schema
      .createTable('api_key_rolls')
      .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
      .addColumn('roll', 'text', (column) => column.notNull())
      .addColumn('version', 'bigint', (column) => column.notNull())
      .addColumn('key_hash', 'text', (column) => column.notNull())
      .addColumn('sealed_key', 'text')
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      // A roll id makes one key, whoever asks with it and however often.
      .addPrimaryKeyConstraint('api_key_rolls_id', ['account_id', 'roll'])
      .addUniqueConstraint('api_key_rolls_version', ['account_id', 'version'])
      .execute()
    await tx.schema
      .createTable('key_uses')
      .addColumn('key_hash', 'text', (column) => column.primaryKey())
      .addColumn('last_at', 'bigint', (column) => column.notNull())
      .addColumn('address', 'text', (column) => column.notNull())
      .addColumn('client', 'text', (column) => column.notNull())
      .execute()
    await tx.schema
      .createTable('rack_access_tokens')
      .addColumn('rack_id', 'text', (column) => column.notNull())
      .addColumn('id', 'text', (column) => column.notNull())
      .addColumn('organization_id', 'text', (column) => column.notNull())
      .addColumn('account_id', 'text', (column) => column.notNull())
      .addColumn('role', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('expires_at', 'bigint', (column) => column.notNull())
      .addColumn('ending_since', 'bigint')
      .addColumn('ending_because', 'text')
      .addPrimaryKeyConstraint('rack_access_tokens_id', ['rack_id', 'id'])
      .execute()
  },
}
