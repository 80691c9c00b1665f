import { closeSync, existsSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { DatabaseSync } from '@photostructure/sqlite'
import { folderFailure, privateFolder, tightenMode } from './private-folder.ts'
import { SQLITE_BUSY, sqliteCode, storageFailure } from './sqlite/failures.ts'

/**
 * Holds a folder for one process until `release` or until the process ends in any way, kill -9
 * included: the lock is the system's lock on an open file (taken by SQLite), not the file's being
 * there. `who` is the server that asks ('Console'), `variable` the setting that chose the folder.
 *
 * Nothing else in this process may open the file `lock`: closing any descriptor of it would drop
 * the lock (fcntl(2), advisory record locking).
 */
export function lockFolder(
  folder: string,
  who: string,
  variable = 'DATA_DIR',
): { release(): void } {
  // The mode of an existing folder is left to who opens the store there and can tell the operator.
  if (!existsSync(folder)) privateFolder(folder)
  const file = join(folder, 'lock')
  const database = takeLock(file, (cause) => {
    return new KeyrackError('conflict', `another ${who} is using the folder ${folder}`, {
      hint: `stop it, or set ${variable} to another folder`,
      cause,
    })
  })
  let held = true
  return {
    release() {
      if (held) database.close()
      held = false
    },
  }
}

function takeLock(file: string, taken: (cause: unknown) => KeyrackError) {
  makePrivate(file)
  let database: InstanceType<typeof DatabaseSync> | undefined
  try {
    database = new DatabaseSync(file, { timeout: 0 })
    // No journal: the lock file never holds a byte, and nothing is left behind by a kill.
    database.exec('pragma journal_mode = off; pragma locking_mode = exclusive; begin exclusive')
    return database
  } catch (error) {
    database?.close()
    if (sqliteCode(error) === SQLITE_BUSY) throw taken(error)
    throw storageFailure(error, file)
  }
}

function makePrivate(file: string): void {
  // An existing lock file is not opened, because closing it would drop this process's own lock.
  try {
    closeSync(openSync(file, 'wx', 0o600))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw folderFailure(file, error)
    tightenMode(file, 0o600, () => {})
  }
}
