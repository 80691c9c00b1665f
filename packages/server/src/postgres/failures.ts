import { KeyrackError } from '@keyrack/protocol'
import type { DatabaseError } from 'pg'

export interface Reason {
  what: string
  hint: string
}

const SHORTLY = 'the server ended or refused the connection; it is tried again'
const NETWORK: Reason = {
  what: 'its server cannot be reached',
  hint: 'see that PostgreSQL runs and that DATABASE_URL has its host and port',
}
const SIGN_IN: Reason = {
  what: 'its server refuses the user or the password',
  hint: 'correct the user and the password in DATABASE_URL',
}
const DAMAGED: Reason = {
  what: 'its server found damaged data or a failing disk',
  hint: "look at the server's own log, and restore the last backup if it says so",
}

export const READ_ONLY: Reason = {
  what: 'it is read-only',
  hint: 'a standby takes no writes: put the address of the primary server into DATABASE_URL',
}

/** By SQLSTATE (postgresql.org/docs/current/errcodes-appendix.html). */
const REASONS: Record<string, Reason> = {
  '28P01': SIGN_IN,
  '28000': SIGN_IN,
  '3D000': {
    what: 'there is no database of that name on its server',
    hint: 'make it with createdb, or correct the name in DATABASE_URL',
  },
  '42501': {
    what: 'the user in DATABASE_URL may not do this in it',
    hint: 'make that user the owner of the database',
  },
  '25006': READ_ONLY,
  '53100': { what: 'the disk of its server is full', hint: 'make space there and try again' },
  '53200': { what: 'its server has no memory left', hint: 'give the server more memory' },
  '53300': {
    what: 'its server has no connection left',
    hint: 'raise max_connections there, or stop what holds its connections',
  },
  '55P03': { what: 'another writer holds it for too long', hint: 'try again' },
  '40P01': { what: 'another writer held it', hint: 'try again' },
  '40001': { what: 'another writer held it', hint: 'try again' },
  '57014': { what: 'its server took too long', hint: 'try again; look at the load of the server' },
  '25P03': { what: 'a transaction was left waiting for too long', hint: 'try again' },
  '57P01': { what: 'its server is stopping', hint: SHORTLY },
  '57P02': { what: 'its server has crashed', hint: SHORTLY },
  '57P03': { what: 'its server is starting', hint: SHORTLY },
  '58030': DAMAGED,
  XX001: DAMAGED,
  XX002: DAMAGED,
}

const UNREACHABLE = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

/** pg gives these no code: texts of pg 8 and pg-pool 3. */
const CONNECTION_TEXTS =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Query read timeout|Client has encountered a connection error|Client was closed|Cannot use a pool after)/

const TLS_CODES = /CERT|SIGNATURE|ERR_TLS|ERR_SSL|EPROTO/
const TLS: Reason = {
  what: 'no trusted encrypted connection to its server can be made',
  hint: 'name its certificate authority with sslrootcert in DATABASE_URL',
}

/** By its shape: importing pg for its class would load the driver into every process that uses SQLite. */
export function isDatabaseError(error: unknown): error is DatabaseError {
  return error instanceof Error && 'severity' in error && 'routine' in error && 'code' in error
}

/**
 * What the server said about a statement, without what the statement held: a driver's own error
 * carries the row in `detail`, and from there it would get into the log.
 */
export class PostgresError extends Error {
  override readonly name = 'PostgresError'
  readonly code: string
  readonly constraint: string | undefined
  readonly table: string | undefined
  /** Columns, or expressions, of the unique index that a row met. */
  readonly columns: readonly string[]

  constructor(error: DatabaseError) {
    // Class 22 (data exceptions) repeats the value that was refused.
    super(error.code?.startsWith('22') === true ? 'a value was refused' : error.message)
    this.code = error.code ?? ''
    this.constraint = error.constraint
    this.table = error.table
    this.columns = columnsOf(error.detail)
  }
}

/** `Key (a, b)=(1, 2) already exists.`: the form is the same in every language of the server. */
function columnsOf(detail: string | undefined): string[] {
  const [, columns] = /\((.*?)\)=\(/s.exec(detail ?? '') ?? []
  return columns === undefined ? [] : columns.split(', ').map((name) => name.replaceAll('"', ''))
}

/** The columns of the unique index on which a statement failed, if that is what happened. */
export function postgresUniqueColumns(error: unknown): string[] | undefined {
  if (!(error instanceof PostgresError) || error.code !== '23505') return undefined
  const columns = error.columns.map((column) => `${error.table}.${column}`)
  return [...columns, `index '${error.constraint}'`]
}

/** True when the connection is of no use any more. */
export function isConnectionFailure(error: unknown): boolean {
  if (isDatabaseError(error)) return /^(08|57P)|^25P03$/.test(error.code ?? '')
  return reasonOf(error) !== undefined
}

function reasonOf(error: unknown): Reason | undefined {
  if (isDatabaseError(error)) {
    const code = error.code ?? ''
    return REASONS[code] ?? (code.startsWith('08') ? NETWORK : undefined)
  }
  if (!(error instanceof Error)) return undefined
  const code = (error as NodeJS.ErrnoException).code ?? ''
  if (TLS_CODES.test(code) || /SSL/.test(error.message)) return TLS
  if (/password must be a/.test(error.message)) return SIGN_IN
  return UNREACHABLE.has(code) || CONNECTION_TEXTS.test(error.message) ? NETWORK : undefined
}

/**
 * A failure of the server, the network or the sign-in as a KeyrackError; what the server says about
 * a statement as a PostgresError; everything else unchanged.
 */
export function serverFailure(error: unknown): unknown {
  const reason = reasonOf(error)
  const known = isDatabaseError(error) ? new PostgresError(error) : error
  if (reason === undefined) return known
  return reasonFailure(reason, known)
}

export function reasonFailure({ what, hint }: Reason, cause?: unknown): KeyrackError {
  return new KeyrackError('not-ready', `the database cannot be used: ${what}`, { hint, cause })
}

/** At the start an operator reads the error, so the server is named. */
export function namedFailure(error: unknown, name: string): unknown {
  if (!(error instanceof KeyrackError) || error.code !== 'not-ready') return error
  const message = error.message.replace(
    'the database cannot be used',
    `cannot use the database ${name}`,
  )
  const { hint, cause } = error
  return new KeyrackError('not-ready', message, { ...(hint === undefined ? {} : { hint }), cause })
}
