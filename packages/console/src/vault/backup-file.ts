import { createHash, randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { folderFailure, syncFolder } from '@keyrack/server'
import { z } from 'zod'

/**
 * A backup is lines of JSON, the same for both databases: what it is, one line for each row (the
 * number of its table, then its values), and a line with the number of rows and the SHA-256 of all
 * lines before it, without which the file was cut off.
 */
export const BACKUP_FORMAT = 'keyrack-console-backup-1'

const Header = z.object({
  format: z.literal(BACKUP_FORMAT),
  /** The number of the last migration. */
  schema: z.int().min(1),
  created_at: z.int(),
  /** In the order in which they can be filled. */
  tables: z.array(z.object({ name: z.string().min(1), columns: z.array(z.string().min(1)) })),
})
const Row = z.array(z.union([z.string(), z.number(), z.null()])).min(2)
const Trailer = z.object({ rows: z.int(), sha256: z.string() })

export type BackupHeader = z.infer<typeof Header>
export type BackupRow = readonly (string | number | null)[]

const CHUNK = 1 << 16
/** No row of ours is nearly as long. */
const LINE_MAX = 1 << 24

/** Writes the file whole or not at all, for this user's eyes only. */
export async function writeBackup(
  file: string,
  header: BackupHeader,
  rows: AsyncIterable<BackupRow>,
): Promise<{ rows: number; bytes: number }> {
  const temporary = join(dirname(file), `.${basename(file)}.${randomBytes(6).toString('hex')}.tmp`)
  const handle = await open(temporary, 'wx', 0o600).catch((error: unknown) => {
    throw folderFailure(file, error)
  })
  const hash = createHash('sha256')
  let [count, bytes, pending] = [0, 0, '']
  const flush = async (): Promise<void> => {
    const chunk = Buffer.from(pending)
    pending = ''
    hash.update(chunk)
    bytes += chunk.length
    await handle.writeFile(chunk)
  }
  try {
    pending = `${JSON.stringify(header)}\n`
    for await (const row of rows) {
      pending += `${JSON.stringify(row)}\n`
      count += 1
      if (pending.length > CHUNK) await flush()
    }
    await flush()
    pending = `${JSON.stringify({ rows: count, sha256: hash.copy().digest('hex') })}\n`
    await flush()
    await handle.sync()
    await handle.close()
    await rename(temporary, file)
    syncFolder(dirname(file))
  } catch (error) {
    await handle.close().catch(() => undefined)
    await rm(temporary, { force: true })
    throw isSystemError(error) ? folderFailure(file, error) : error
  }
  return { rows: count, bytes }
}

/** What a whole and unchanged backup is; throws for every other file. */
export async function checkBackup(file: string): Promise<BackupHeader & { rows: number }> {
  const hash = createHash('sha256')
  let header: BackupHeader | undefined
  let trailer: z.infer<typeof Trailer> | undefined
  let rows = 0
  for await (const line of lines(file)) {
    if (trailer !== undefined) throw damaged(file, 'something follows its end')
    const value = parsed(file, line)
    if (header === undefined) {
      header = readHeader(file, value)
    } else if (Array.isArray(value)) {
      if (!isRow(value, header)) throw damaged(file, `row ${rows + 1} cannot be read`)
      rows += 1
    } else {
      const read = Trailer.safeParse(value)
      if (!read.success) throw damaged(file, `line ${rows + 2} cannot be read`)
      trailer = read.data
      continue
    }
    hash.update(line).update('\n')
  }
  if (header === undefined) throw foreign(file)
  if (trailer === undefined) throw damaged(file, 'its end is missing')
  if (trailer.rows !== rows || trailer.sha256 !== hash.digest('hex')) {
    throw damaged(file, 'its checksum does not match')
  }
  return { ...header, rows }
}

/** The rows of a file that `checkBackup` has found good. */
export async function* backupRows(file: string): AsyncGenerator<BackupRow> {
  for await (const line of lines(file)) {
    const value = parsed(file, line)
    if (Array.isArray(value)) yield Row.parse(value)
  }
}

function readHeader(file: string, value: unknown): BackupHeader {
  const read = Header.safeParse(value)
  if (read.success) return read.data
  throw foreign(file)
}

function isRow(value: unknown, { tables }: BackupHeader): boolean {
  const row = Row.safeParse(value)
  if (!row.success) return false
  const [table, ...values] = row.data
  return typeof table === 'number' && tables[table]?.columns.length === values.length
}

function parsed(file: string, line: string): unknown {
  try {
    return JSON.parse(line)
  } catch {
    throw foreign(file)
  }
}

/** Not `readline`: it would read a foreign file without a line break into memory as a whole. */
async function* lines(file: string): AsyncGenerator<string> {
  let rest = ''
  try {
    for await (const chunk of createReadStream(file, { encoding: 'utf8', highWaterMark: CHUNK })) {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      if (rest.length > LINE_MAX) throw foreign(file)
      yield* parts
    }
  } catch (error) {
    throw isSystemError(error) ? unreadable(file, error) : error
  }
  if (rest !== '') yield rest
}

function isSystemError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error
}

function foreign(file: string): KeyrackError {
  return new KeyrackError('invalid', `${file} is not a backup of a Keyrack Console`, {
    hint: 'give a file that keyrack-console backup has written',
  })
}

function damaged(file: string, what: string): KeyrackError {
  return new KeyrackError('invalid', `the backup ${file} is damaged: ${what}`, {
    hint: 'nothing was changed; use another copy of it',
  })
}

function unreadable(file: string, cause: unknown): KeyrackError {
  const code = (cause as NodeJS.ErrnoException).code
  return new KeyrackError('not-found', `cannot read ${file} (${code})`, { cause })
}
