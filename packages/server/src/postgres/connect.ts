import type { ClientConfig } from 'pg'
import pg from 'pg'
import type { PostgresServer } from './postgres-url.ts'

/** A server that accepts no connection in this time is down for us. */
const CONNECT_MS = 5_000
/** No statement of ours takes this long; migrations are exempt. */
export const STATEMENT_MS = 10_000
/** A little more, so that the server's own word comes first; alone it notices a cut network. */
export const ANSWER_MS = STATEMENT_MS + 2_000
/** A writer whose process hangs loses its transaction before those who wait for it give up. */
const IDLE_MS = 5_000
const LOCK_MS = 8_000

/** Whole numbers only: bigint columns, counts and sums come back as numbers, or not at all. */
function wholeNumber(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new TypeError('the database holds a number above 2^53')
  return value
}

const INT8 = 20
const NUMERIC = 1700

export function clientConfig(server: PostgresServer, purpose: string): ClientConfig {
  return {
    host: server.host,
    port: server.port,
    user: server.user,
    // A function, because pg would replace an empty text by PGPASSWORD. Asked for a password that is
    // empty it gives up with the connection left open; a wrong one is answered by the server.
    password: () => server.password.reveal() || 'DATABASE_URL has no password',
    database: server.database,
    ssl: server.tls,
    application_name: `keyrack ${purpose}`,
    // Not empty, because pg would replace it by PGOPTIONS.
    options: '-c client_min_messages=warning',
    client_encoding: 'UTF8',
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    idle_in_transaction_session_timeout: IDLE_MS,
    types: {
      getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
        oid === INT8 || oid === NUMERIC
          ? wholeNumber
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  }
}
