import type { Migration } from '@keyrack/server'
import { sql } from 'kysely'

/** Rolling the API keys of Racks (design 6). */
export const rackRolls: Migration = {
  id: 5,
  name: 'rack-rolls',
  async up(tx) {
    await tx.schema
      .createTable('rack_rolls')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('rack_id', 'text', (column) => column.notNull())
      // The Rack's id while the roll is open, null afterwards: never two open for one Rack.
      .addColumn('open_rack_id', 'text', (column) => column.unique())
      .addColumn('organization_id', 'text')
      .addColumn('method', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) => column.notNull())
      .addColumn('new_version', 'integer', (column) => column.notNull())
      .addColumn('sealed_new_key', 'text')
      .addColumn('grace_ms', 'bigint', (column) => column.notNull())
      .addColumn('grace_until', 'bigint')
      .addColumn('finish_asked_at', 'bigint')
      .addColumn('waiting', 'text')
      .addColumn('error', 'text')
      .addColumn('failure', 'text')
      .addColumn('generation', 'bigint')
      .addColumn('started_by', 'text')
      .addColumn('started_by_name', 'text', (column) => column.notNull())
      .addColumn('request_id', 'text', (column) => column.notNull())
      .addColumn('address', 'text', (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addColumn('driver', 'text', (column) => column.notNull())
      .execute()
    await tx.schema
      .createIndex('rack_rolls_rack')
      .on('rack_rolls')
      .columns(['rack_id', 'started_at'])
      .execute()
    await tx.schema
      .createTable('previous_rack_keys')
      .addColumn('rack_id', 'text', (column) => column.notNull())
      .addColumn('key_version', 'integer', (column) => column.notNull())
      .addColumn('sealed_key', 'text', (column) => column.notNull())
      .addColumn('replaced_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('previous_rack_keys_key', ['rack_id', 'key_version'])
      .execute()
    await tx.schema
      .createTable('rack_roll_schedules')
      .addColumn('rack_id', 'text', (column) => column.primaryKey())
      .addColumn('every_ms', 'bigint', (column) => column.notNull())
      .addColumn('next_at', 'bigint', (column) => column.notNull())
      .addColumn('set_by', 'text', (column) => column.notNull())
      .addColumn('set_by_name', 'text', (column) => column.notNull())
      .execute()
    await replicas(tx)
    await tx.schema
      .createTable('console_identity')
      .addColumn('id', 'integer', (column) => column.primaryKey().check(sql`id = 1`))
      .addColumn('console_id', 'text', (column) => column.notNull())
      .addColumn('public_key', 'text', (column) => column.notNull())
      .addColumn('sealed_private_key', 'text', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .execute()
    await tx.schema
      .createTable('rack_key_generations')
      .addColumn('rack_id', 'text', (column) => column.primaryKey())
      .addColumn('generation', 'bigint', (column) => column.notNull())
      .execute()
  },
}

/** Which Consoles serve this database, and which of them have let go of a roll's old key. */
async function replicas(tx: Parameters<Migration['up']>[0]): Promise<void> {
  await tx.schema
    .createTable('consoles')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .execute()
  await tx.schema
    .createTable('rack_roll_acknowledgements')
    .addColumn('roll_id', 'text', (column) => column.notNull())
    .addColumn('console_id', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('rack_roll_acknowledgements_key', ['roll_id', 'console_id'])
    .execute()
}
