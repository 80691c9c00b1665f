import { KeyrackError } from '@keyrack/protocol'

// Result codes (sqlite.org/rescode.html); an extended one holds the primary one in its low byte.
export const SQLITE_BUSY = 5

// By primary code. The driver gives the code with errors of `run`,
// `get` and `exec`, but only SQLite's own English text with those of `all` and `iterate`.
const REASONS: Record<number, { sqlite: string; what: string; hint: string }> = {
  [SQLITE_BUSY]: {
    sqlite: 'database is locked',
    what: 'another program holds it',
    hint: 'stop the other program and try again',
  },
  8: {
    sqlite: 'attempt to write a readonly database',
    what: 'it cannot be written',
    hint: 'make the file and its folder writable for the user who runs the server',
  },
  10: {
    sqlite: 'disk I/O error',
    what: 'reading or writing the disk failed',
    hint: 'look at the disk and at the system log',
  },
  11: {
    sqlite: 'database disk image is malformed',
    what: 'it is damaged',
    hint: 'restore the last backup; keep the damaged file for a repair',
  },
  13: {
    sqlite: 'database or disk is full',
    what: 'the disk is full',
    hint: 'make space and try again',
  },
  14: {
    sqlite: 'unable to open database file',
    what: 'it cannot be opened',
    hint: 'make the file and its folder writable for the user who runs the server',
  },
  26: {
    sqlite: 'file is not a database',
    what: 'it is not a database, or its beginning is damaged',
    hint: 'restore the last backup; keep the damaged file for a repair',
  },
}

interface DriverError extends Error {
  errcode?: number
}

function isDriverError(error: unknown): error is DriverError {
  return error instanceof Error && (error as { code?: unknown }).code === 'ERR_SQLITE_ERROR'
}

/** The primary result code of an error of the driver, if it is one and has one. */
export function sqliteCode(error: unknown): number | undefined {
  if (!isDriverError(error)) return undefined
  if (typeof error.errcode === 'number') return error.errcode & 0xff
  const known = Object.entries(REASONS).find(([, { sqlite }]) => error.message.endsWith(sqlite))
  return known === undefined ? undefined : Number(known[0])
}

const UNIQUE = 'UNIQUE constraint failed: '

/** The columns of the unique index on which a statement failed, if that is what happened. */
export function sqliteUniqueColumns(error: unknown): string[] | undefined {
  if (!isDriverError(error) || !error.message.startsWith(UNIQUE)) return undefined
  return error.message.slice(UNIQUE.length).split(', ')
}

/**
 * A failure of the file or the disk as a KeyrackError; everything else unchanged. `file` is named
 * only where an operator reads the text, never in an answer to a client.
 */
export function storageFailure(error: unknown, file?: string): unknown {
  const reason = REASONS[sqliteCode(error) ?? -1]
  if (reason === undefined) return error
  const { what, hint } = reason
  const name =
    file === undefined ? 'the database cannot be used' : `cannot use the database ${file}`
  return new KeyrackError('not-ready', `${name}: ${what}`, { hint, cause: error })
}
