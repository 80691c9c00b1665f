import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder for one test; pass `remove` to `onTestFinished` or `afterEach`. */
export function temporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'keyrack-server-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
