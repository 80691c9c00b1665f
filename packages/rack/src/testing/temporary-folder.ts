import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Takes what must happen when the test, or the file of tests, is over. */
export type AtEnd = (end: () => void | Promise<void>) => void

/** A folder that is removed when the test is over. */
export function temporaryFolder(atEnd: AtEnd = onTestFinished): string {
  const folder = mkdtempSync(join(tmpdir(), 'keyrack-rack-'))
  atEnd(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
