import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** An empty folder that is gone after the test. */
export function temporaryFolder(): string {
  const { path, remove } = makeTemporaryFolder()
  onTestFinished(remove)
  return path
}

/** An empty folder for several tests. */
export function makeTemporaryFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'convox-test-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}
