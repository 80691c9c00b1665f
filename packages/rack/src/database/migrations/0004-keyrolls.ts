import type { Migration } from '@keyrack/server'
import { sql } from 'kysely'

/** Generations of the instance SSH key, who has which, and the rolls from one to the next. */
export const keyrolls: Migration = {
  id: 4,
  name: 'keyrolls',
  async up(tx) {
    // Until now there was one generation, in use.
    await tx.schema
      .alterTable('ssh_keys')
      .addColumn('state', 'text', (column) =>
        column
          .notNull()
          .defaultTo('current')
          .check(sql`state in ('adding', 'current', 'leaving', 'destroyed')`),
      )
      .execute()
    await tx.schema
      .createIndex('ssh_keys_one_adding_one_current')
      .on('ssh_keys')
      .column('state')
      .unique()
      .where(sql<boolean>`state in ('adding', 'current')`)
      .execute()

    await tx.schema
      .createTable('instance_keys')
      .addColumn('instance_id', 'text', (column) => column.notNull())
      .addColumn('generation', 'integer', (column) => column.notNull())
      .addColumn('state', 'text', (column) =>
        column.notNull().check(sql`state in ('assumed', 'adding', 'installed', 'removing')`),
      )
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('instance_keys_key', ['instance_id', 'generation'])
      .execute()

    await tx.schema
      .createTable('keyrolls')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('generation', 'integer', (column) => column.notNull().unique())
      .addColumn('mode', 'text', (column) =>
        column.notNull().check(sql`mode in ('in-place', 'replace')`),
      )
      .addColumn('state', 'text', (column) =>
        column.notNull().check(sql`state in ('running', 'unfinished', 'done', 'superseded')`),
      )
      .addColumn('request_id', 'text', (column) => column.notNull())
      .addColumn('started_at', 'bigint', (column) => column.notNull())
      .addColumn('finished_at', 'bigint')
      .execute()
    // Of two calls at once one begins a roll and the other joins it.
    await tx.schema
      .createIndex('keyrolls_one_running')
      .on('keyrolls')
      .column('state')
      .unique()
      .where(sql<boolean>`state = 'running'`)
      .execute()

    await tx.schema
      .createTable('keyroll_instances')
      .addColumn('keyroll_id', 'text', (column) => column.notNull().references('keyrolls.id'))
      .addColumn('instance_id', 'text', (column) => column.notNull())
      .addColumn('state', 'text', (column) =>
        column.notNull().check(sql`state in ('waiting', 'adding', 'removing', 'done', 'gone')`),
      )
      .addColumn('problem', 'text')
      .addColumn('updated_at', 'bigint', (column) => column.notNull())
      .addPrimaryKeyConstraint('keyroll_instances_key', ['keyroll_id', 'instance_id'])
      .execute()
  },
}
