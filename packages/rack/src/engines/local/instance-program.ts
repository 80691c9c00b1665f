import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { KeyrackError } from '@keyrack/protocol'

/**
 * The compiled program of an instance. Node runs no TypeScript in the versions supported here, so
 * tests that run from source need a build as well.
 */
export function instanceProgram(): string {
  const fromSource = import.meta.url.endsWith('.ts')
  const relative = fromSource
    ? '../../../dist/engines/local/instance/main.js'
    : './instance/main.js'
  const file = fileURLToPath(new URL(relative, import.meta.url))
  if (!existsSync(file)) {
    throw new KeyrackError('not-ready', 'the program of an instance is not built yet', {
      hint: 'run: npm run build',
    })
  }
  return file
}
