import { createMasterKey } from '@keyrack/secrets'
import { privateFolder, writeMasterKey } from '@keyrack/server'

/**
 * `keyrack-console keys create`: a master key in KEY_DIR, for a database on a server, where no
 * Console makes one by itself. The answer is what to say.
 */
export function createKey(folder: string): string {
  privateFolder(folder)
  const key = createMasterKey()
  writeMasterKey(folder, key)
  return `made the master key ${key.id} in ${folder}
Copy its file to KEY_DIR of every Console on this database, and keep another copy apart from backups.
A database that has a key already is sealed with this one from the next "keyrack-console keys rotate" on.
`
}
