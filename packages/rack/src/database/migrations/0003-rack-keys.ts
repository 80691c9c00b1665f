import type { Migration } from '@keyrack/server'
import { sql } from 'kysely'

/** Two keys at a time while the Rack's key is rolled, and what a Console needs to find its way back. */
export const rackKeys: Migration = {
  id: 3,
  name: 'rolling the Rack API key',
  async up(tx) {
    await tx.schema.alterTable('rack_keys').renameTo('rack_keys_before').execute()
    await tx.schema.dropIndex('rack_keys_one_per_live_state').execute()
    await tx.schema
      .createTable('rack_keys')
      .addColumn('id', 'text', (column) => column.primaryKey())
      // A retired hash stays for ever, so that it can never be a key again.
      .addColumn('hash', 'text', (column) => column.notNull().unique())
      .addColumn('state', 'text', (column) =>
        column.notNull().check(sql`state in ('current', 'staged', 'ending', 'retired')`),
      )
      .addColumn('version', 'integer', (column) => column.notNull())
      .addColumn('created_at', 'bigint', (column) => column.notNull())
      .addColumn('current_at', 'bigint')
      .addColumn('not_after', 'bigint', (column) =>
        column.check(sql`state <> 'ending' or not_after is not null`),
      )
      .addColumn('retired_at', 'bigint')
      .addColumn('copy', 'text', (column) => column.check(sql`state <> 'retired' or copy is null`))
      .execute()
    // Nothing could stage a key before, so what is staged has no roll and nobody waits for it.
    await sql`insert into rack_keys
        (id, hash, state, version, created_at, current_at, not_after, retired_at, copy)
      select id, hash, case state when 'staged' then 'retired' else state end, version, created_at,
        case state when 'current' then created_at end, null,
        case state when 'staged' then created_at else retired_at end, null
      from rack_keys_before`.execute(tx)
    await tx.schema.dropTable('rack_keys_before').execute()
    // Never two of a kind: the database says so, not the code.
    await tx.schema
      .createIndex('rack_keys_one_per_live_state')
      .on('rack_keys')
      .column('state')
      .unique()
      .where(sql<boolean>`state <> 'retired'`)
      .execute()

    await tx.schema
      .createTable('rack_key_rolls')
      .addColumn('roll', 'text', (column) => column.primaryKey())
      .addColumn('state', 'text', (column) =>
        column.notNull().check(sql`state in ('staged', 'ending', 'retired', 'unstaged')`),
      )
      .addColumn('new_key', 'text', (column) => column.references('rack_keys.id'))
      .addColumn('old_key', 'text', (column) => column.references('rack_keys.id'))
      .addColumn('generation', 'bigint')
      .addColumn('not_after', 'bigint')
      .addColumn('at', 'bigint', (column) => column.notNull())
      .execute()
    await tx.schema
      .createIndex('rack_key_rolls_one_open')
      .on('rack_key_rolls')
      .column('state')
      .unique()
      .where(sql<boolean>`state in ('staged', 'ending')`)
      .execute()

    await tx.schema
      .createTable('rack_key_head')
      .addColumn('singleton', 'integer', (column) => column.primaryKey().check(sql`singleton = 1`))
      .addColumn('generation', 'bigint', (column) => column.notNull())
      .addColumn('seen_at', 'bigint', (column) => column.notNull())
      .execute()
    await sql`insert into rack_key_head (singleton, generation, seen_at) values (1, 1, 0)`.execute(
      tx,
    )

    await tx.schema
      .createTable('rack_key_events')
      .addColumn('id', 'bigint', (column) => column.primaryKey())
      .addColumn('message', 'text', (column) => column.notNull())
      .execute()

    await tx.schema
      .createTable('rack_key_uses')
      .addColumn('key_id', 'text', (column) => column.notNull().references('rack_keys.id'))
      .addColumn('address', 'text', (column) => column.notNull())
      .addColumn('client', 'text', (column) => column.notNull())
      .addColumn('last_at', 'bigint', (column) => column.notNull())
      .addColumn('count', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('rack_key_uses_key', ['key_id', 'address', 'client'])
      .execute()

    await tx.schema
      .createTable('rack_console')
      .addColumn('singleton', 'integer', (column) => column.primaryKey().check(sql`singleton = 1`))
      .addColumn('console', 'text', (column) => column.notNull())
      .addColumn('public_key', 'text', (column) => column.notNull())
      .addColumn('registered_at', 'bigint', (column) => column.notNull())
      .execute()
  },
}
