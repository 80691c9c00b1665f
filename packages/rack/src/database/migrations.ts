import type { Migration } from '@keyrack/server'
import { sql } from 'kysely'
import { system } from './migrations/0002-system.ts'
import { rackKeys } from './migrations/0003-rack-keys.ts'
import { keyrolls } from './migrations/0004-keyrolls.ts'
import { accessTokens } from './migrations/0005-access-tokens.ts'
import { audit } from './migrations/0006-audit.ts'

/** Forward only, numbered, never edited after a release. */
export const MIGRATIONS: Migration[] = [
  {
    id: 1,
    name: 'rack, keys and known instances',
    async up(tx) {
      await tx.schema
        .createTable('rack')
        .addColumn('singleton', 'integer', (column) =>
          column.primaryKey().check(sql`singleton = 1`),
        )
        .addColumn('id', 'text', (column) => column.notNull().unique())
        .addColumn('port', 'integer')
        .addColumn('instance_count', 'integer', (column) => column.notNull())
        .addColumn('canary', 'text')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .execute()

      await tx.schema
        .createTable('rack_keys')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('hash', 'text', (column) => column.notNull().unique())
        .addColumn('state', 'text', (column) =>
          column.notNull().check(sql`state in ('current', 'staged', 'retired')`),
        )
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('retired_at', 'bigint')
        .execute()
      // Never two current keys and never two staged ones: the database says so, not the code.
      await tx.schema
        .createIndex('rack_keys_one_per_live_state')
        .on('rack_keys')
        .column('state')
        .unique()
        .where(sql<boolean>`state <> 'retired'`)
        .execute()

      await tx.schema
        .createTable('ssh_keys')
        .addColumn('generation', 'integer', (column) => column.primaryKey())
        .addColumn('public_key', 'text', (column) => column.notNull())
        .addColumn('private_key_sealed', 'text', (column) => column.notNull())
        .addColumn('version', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('retired_at', 'bigint')
        .execute()

      await tx.schema
        .createTable('known_instances')
        .addColumn('id', 'text', (column) => column.primaryKey())
        .addColumn('host_key', 'text', (column) => column.notNull())
        .addColumn('first_contact_at', 'bigint', (column) => column.notNull())
        .execute()
    },
  },
  system,
  rackKeys,
  keyrolls,
  accessTokens,
  audit,
]
