import { KeyrackError } from '@keyrack/protocol'

interface SqliteError extends Error {
  /** The extended result code; its low byte is the primary one (sqlite.org/rescode.html). */
  errcode: number
}

const CONSTRAINT_UNIQUE = 2067
const CONSTRAINT_PRIMARYKEY = 1555

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && typeof (error as Partial<SqliteError>).errcode === 'number'
}

/**
 * True when a statement failed on a unique index. `column` asks for one index: any of its columns
 * as 'table.column', or for an index over expressions its name as "index 'name'".
 */
export function isUniqueViolation(error: unknown, column?: string): boolean {
  if (!isSqliteError(error)) return false
  if (error.errcode !== CONSTRAINT_UNIQUE && error.errcode !== CONSTRAINT_PRIMARYKEY) return false
  if (column === undefined) return true
  const [, columns = ''] = error.message.split('UNIQUE constraint failed: ')
  return columns.split(', ').includes(column)
}

// Primary result codes.
const REASONS: Record<number, readonly [what: string, hint: string]> = {
  5: ['another program holds it', 'stop the other program and start again'],
  8: ['it cannot be written', 'make the file and its folder writable for this user'],
  10: ['reading or writing the disk failed', 'look at the disk and at the system log'],
  11: ['it is damaged', 'restore the last backup; keep the damaged file for a repair'],
  13: ['the disk is full', 'make space and try again'],
  14: ['it cannot be opened', 'make the file and its folder writable for this user'],
  26: ['it is not a database, or its start is damaged', 'restore the last backup'],
}

/**
 * A failure of the file or the disk as a KeyrackError; everything else unchanged. `file` is named
 * only where an operator reads the text, never in an answer to a client.
 */
export function storageFailure(error: unknown, file?: string): unknown {
  if (!isSqliteError(error)) return error
  const reason = REASONS[error.errcode & 0xff]
  if (reason === undefined) return error
  const [what, hint] = reason
  const name =
    file === undefined ? 'the database cannot be used' : `cannot use the database ${file}`
  return new KeyrackError('not-ready', `${name}: ${what}`, { hint, cause: error })
}
