import { closeSync, fstatSync, openSync, renameSync, writeSync } from 'node:fs'
import type { LogDestination } from './log.ts'
import { folderFailure } from './private-folder.ts'

const BYTES_MAX = 5 * 1024 * 1024

/**
 * A log file that cannot fill a disk: when it is full it becomes `<file>.1`, in the place of the one
 * before, and begins anew. Lines are written at once, so that the last one before a crash is there.
 */
export function openLogFile(file: string, bytesMax = BYTES_MAX): LogDestination {
  let descriptor: number
  try {
    descriptor = openSync(file, 'a', 0o600)
  } catch (error) {
    throw folderFailure(file, error)
  }
  let length = fstatSync(descriptor).size

  function begin(): void {
    // Renamed before it is closed: what fails leaves the old file in use.
    renameSync(file, `${file}.1`)
    const next = openSync(file, 'a', 0o600)
    closeSync(descriptor)
    descriptor = next
    length = 0
  }

  return {
    write(line) {
      const bytes = Buffer.from(line, 'utf8')
      try {
        if (length > 0 && length + bytes.length > bytesMax) begin()
        length += writeSync(descriptor, bytes)
      } catch {
        // A full disk under the log must not end the server.
      }
    },
  }
}
