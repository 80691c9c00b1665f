import type { Secret } from '@keyrack/secrets'
import { Kysely, sql, type Transaction } from 'kysely'
import pg from 'pg'
import { type MigrationReport, migrate } from '../migrations.ts'
import { ConnectionQueue } from '../store/connection-queue.ts'
import type { StoreSettings } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { TransactionGuard } from '../store/transaction-guard.ts'
import { checkServer } from './check-server.ts'
import { clientConfig } from './connect.ts'
import { namedFailure, READ_ONLY, reasonFailure } from './failures.ts'
import { PostgresDialect } from './postgres-dialect.ts'
import { PostgresListener } from './postgres-listener.ts'
import { parsePostgresUrl } from './postgres-url.ts'

const CONNECTIONS_MAX = 10

/** Connects, sees that the server keeps what it acknowledges, and brings the schema up to date. */
export async function openPostgresStore<S>(
  options: StoreSettings & { url: Secret },
): Promise<Store<S>> {
  const { migrations, now = Date.now, notice = () => {} } = options
  const server = parsePostgresUrl(options.url)
  const pool = new pg.Pool({
    ...clientConfig(server, 'store'),
    max: CONNECTIONS_MAX,
    verify: refuseReadOnly,
  })
  // An idle connection that the server ends is replaced by the next query; unheard it ends us.
  pool.on('error', () => undefined)
  // The pool listens to idle connections only: one that is lent would end us when it is cut.
  pool.on('connect', (client) => client.on('error', () => undefined))
  const guard = new TransactionGuard()
  const patience = { patient: true }
  const db = new Kysely<S>({ dialect: new PostgresDialect(pool, guard, patience) })
  // One writer at a time per process as well, so that those who wait hold no connection.
  const queue = new ConnectionQueue()

  const transaction = <T>(work: (tx: Transaction<S>) => Promise<T>): Promise<T> =>
    guard.run(async (inside) => {
      await queue.acquire()
      try {
        return await db.transaction().execute((tx) => inside(() => work(tx)))
      } finally {
        queue.release()
      }
    })
  const read = <T>(work: (tx: Transaction<S>) => Promise<T>): Promise<T> =>
    guard.run((inside) =>
      db
        .transaction()
        .setAccessMode('read only')
        .execute((tx) => inside(() => work(tx))),
    )

  let migrated: MigrationReport
  try {
    await checkServer(db, server.name, notice)
    migrated = await migrate(
      (work) => transaction((tx) => work(tx as unknown as Kysely<unknown>)),
      migrations,
      now,
    )
  } catch (error) {
    await db.destroy()
    throw namedFailure(error, server.name)
  }
  patience.patient = false

  let closing: Promise<void> | undefined
  return {
    db,
    migrated,
    shared: {
      async announce(tx, channel, text) {
        await sql`select pg_notify(${channel}, ${text})`.execute(tx)
      },
      listen: (channel, listener) => new PostgresListener(server, channel, listener),
    },
    transaction,
    read,
    async check() {
      await sql`select count(*) from schema_migrations`.execute(db)
    },
    close() {
      // Released, so that who comes later is refused and does not wait for ever.
      closing ??= queue.acquire().then(() => db.destroy().finally(() => queue.release()))
      return closing
    },
  }
}

/**
 * Each new connection: a standby, or a primary that became one, answers with what was true a while
 * ago, and a key that was replaced since would go on working.
 */
function refuseReadOnly(client: pg.PoolClient, done: (error?: Error) => void): void {
  client.query<{ transaction_read_only: string }>('show transaction_read_only').then(({ rows }) => {
    if (rows[0]?.transaction_read_only === 'off') done()
    else done(reasonFailure(READ_ONLY))
  }, done)
}
