import type { Migration } from '@keyrack/server'
import { type Kysely, sql } from 'kysely'

/** Every "first", "only one" and "used once" of this schema is a unique index (design 4). */
export const foundation: Migration = {
  id: 1,
  name: 'foundation',
  async up(tx) {
    await people(tx)
    await signingIn(tx)
    await racks(tx)
    await audit(tx)
    await tx.schema
      .createTable('canary')
      .addColumn('id', 'text', (column) => column.primaryKey())
      .addColumn('sealed', 'text', (column) => column.notNull())
      .execute()
  },
}

async function people(tx: Kysely<unknown>): Promise<void> {
  await tx.schema
    .createTable('organizations')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('name', 'text', (column) => column.notNull().unique())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()
  await tx.schema
    .createTable('accounts')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('email', 'text', (column) => column.notNull().unique())
    .addColumn('password_hash', 'text', (column) => column.notNull())
    .addColumn('founder', 'integer', (column) => column.unique().check(sql`founder = 1`))
    .addColumn('server_administrator_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()
  await tx.schema
    .createTable('memberships')
    .addColumn('organization_id', 'text', (column) =>
      column.notNull().references('organizations.id'),
    )
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('memberships_key', ['organization_id', 'account_id'])
    .execute()
  await tx.schema
    .createTable('api_keys')
    .addColumn('account_id', 'text', (column) => column.primaryKey().references('accounts.id'))
    .addColumn('hash', 'text', (column) => column.notNull().unique())
    .addColumn('last_four', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute()
  await tx.schema
    .createTable('invitations')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('organization_id', 'text', (column) => column.references('organizations.id'))
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('email', 'text')
    .addColumn('invited_by', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('used_at', 'bigint')
    .execute()
}

async function signingIn(tx: Kysely<unknown>): Promise<void> {
  await tx.schema
    .createTable('sessions')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('token_hash', 'text', (column) => column.notNull().unique())
    .addColumn('account_id', 'text', (column) => column.notNull().references('accounts.id'))
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('last_used_at', 'bigint', (column) => column.notNull())
    .execute()
  await tx.schema.createIndex('sessions_account').on('sessions').columns(['account_id']).execute()
  await tx.schema
    .createTable('sign_in_failures')
    .addColumn('subject', 'text', (column) => column.primaryKey())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('last_at', 'bigint', (column) => column.notNull())
    .execute()
  await tx.schema
    .createIndex('sign_in_failures_last')
    .on('sign_in_failures')
    .columns(['last_at'])
    .execute()
  await tx.schema
    .createTable('known_addresses')
    .addColumn('subject', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('failures', 'integer', (column) => column.notNull())
    .addColumn('last_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('known_addresses_key', ['subject', 'address'])
    .execute()
}

async function racks(tx: Kysely<unknown>): Promise<void> {
  await tx.schema
    .createTable('racks')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('organization_id', 'text', (column) => column.references('organizations.id'))
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('url', 'text')
    .addColumn('pin', 'text')
    .addColumn('remote_id', 'text', (column) => column.unique())
    .addColumn('local_at', 'bigint')
    .addColumn('sealed_key', 'text', (column) => column.notNull())
    .addColumn('key_version', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('racks_name', ['organization_id', 'name'])
    .execute()
}

async function audit(tx: Kysely<unknown>): Promise<void> {
  await tx.schema
    .createTable('audit')
    .addColumn('id', 'text', (column) => column.primaryKey())
    .addColumn('chain', 'text', (column) => column.notNull())
    .addColumn('sequence', 'bigint', (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('phase', 'text', (column) => column.notNull())
    .addColumn('event_id', 'text', (column) => column.notNull())
    .addColumn('actor_id', 'text')
    .addColumn('actor_name', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('target', 'text', (column) => column.notNull())
    .addColumn('rack_id', 'text')
    .addColumn('request_id', 'text', (column) => column.notNull())
    .addColumn('address', 'text', (column) => column.notNull())
    .addColumn('outcome', 'text')
    .addColumn('status', 'integer')
    .addColumn('note', 'text')
    .addColumn('previous_hash', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .addUniqueConstraint('audit_chain', ['chain', 'sequence'])
    .addUniqueConstraint('audit_phase', ['event_id', 'phase'])
    .execute()
  // A chain shows a change afterwards; the triggers refuse the mistake beforehand.
  for (const operation of ['update', 'delete']) {
    await sql`
      create trigger ${sql.ref(`audit_no_${operation}`)} before ${sql.raw(operation)} on audit
      begin select raise(abort, 'audit rows are never changed'); end`.execute(tx)
  }
  // REPLACE removes the row in its way without asking the trigger on delete (sqlite.org/lang_conflict.html).
  await sql`
    create trigger audit_no_replace before insert on audit
    when exists (
      select 1 from audit
      where id = new.id
        or (chain = new.chain and sequence = new.sequence)
        or (event_id = new.event_id and phase = new.phase)
        or rowid = new.rowid
    )
    begin select raise(abort, 'audit rows are never changed'); end`.execute(tx)
}
