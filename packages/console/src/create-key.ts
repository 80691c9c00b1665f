import { createMasterKey } from '@keyrack/secrets'
import { privateFolder, writeMasterKey, writeWrappedMasterKey } from '@keyrack/server'

/**
 * `keyrack-console keys create`: a master key in KEY_DIR, for a database on a server, where no
 * Console makes one by itself. The answer is what to say.
 */
export function createKey(folder: string): string {
  privateFolder(folder)
  const key = createMasterKey()
  writeMasterKey(folder, key)
  return say(key.id, folder)
}

/** The same, with a file that only AWS KMS opens, at each start once. */
export async function createKmsKey(folder: string, keyArn: string): Promise<string> {
  privateFolder(folder)
  const { id, wrappedBy } = await writeWrappedMasterKey(folder, createMasterKey(), keyArn)
  return `${say(id, folder)}AWS KMS opens it at each start of a Console, with ${wrappedBy}
`
}

function say(id: string, folder: string): string {
  return `made the master key ${id} in ${folder}
Copy its file to KEY_DIR of every Console on this database, and keep another copy apart from backups.
A database that has a key already is sealed with this one from the next "keyrack-console keys rotate" on.
`
}
