import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const PROGRAM = fileURLToPath(new URL('../../bin/keyrack-console.js', import.meta.url))

export interface HostCommandRun {
  status: number | null
  stdout: string
  stderr: string
}

/** The real program as its operator types it, without a terminal. */
export async function runHostCommand(
  args: readonly string[],
  env: Record<string, string>,
  stdin = '',
): Promise<HostCommandRun> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    env: { PATH: process.env.PATH ?? '', ...env },
    // A session of its own: whoever runs the tests is not asked for a password.
    detached: true,
  })
  child.stdin.on('error', () => undefined)
  child.stdin.end(stdin)
  const run = { status: null as number | null, stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    run.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    run.stderr += text
  })
  await once(child, 'close')
  return { ...run, status: child.exitCode }
}
