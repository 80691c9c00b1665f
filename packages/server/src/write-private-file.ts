import { randomBytes } from 'node:crypto'
import { closeSync, fchmodSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { folderFailure, syncFolder } from './private-folder.ts'

/**
 * Writes a file that only this user can read, whole or not at all: a temporary file beside it is
 * synced and renamed over it, so a crash or a power cut leaves either the old text or the new one.
 */
export function writePrivateFile(path: string, content: string): void {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    // 'wx' refuses to follow or reuse anything that lies there already (CWE-59, CWE-377).
    const descriptor = openSync(temporary, 'wx', 0o600)
    try {
      fchmodSync(descriptor, 0o600)
      const bytes = Buffer.from(content)
      for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(temporary, path)
    syncFolder(folder)
  } catch (error) {
    rmSync(temporary, { force: true })
    throw folderFailure(path, error)
  }
}
