/** The real command line of a person, in a session of its own: there is no terminal to ask at. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const CONVOX = fileURLToPath(new URL('../packages/cli/bin/convox.js', import.meta.url))

export interface Ran {
  status: number | null
  stdout: string
  stderr: string
}

/** `prefix`: a program, with its arguments, that becomes the command. */
export function startConvox(
  home: string,
  args: readonly string[],
  prefix: readonly string[] = [],
): ChildProcess {
  const [program = process.execPath, ...rest] = [...prefix, process.execPath, CONVOX, ...args]
  return spawn(program, rest, {
    cwd: '/',
    env: { PATH: process.env.PATH ?? '', HOME: home },
    detached: true,
    stdio: 'pipe',
  })
}

/** Its end, with everything it said; its input ends at once unless it is to stay open. */
export async function finish(child: ChildProcess, { inputStaysOpen = false } = {}): Promise<Ran> {
  const ran: Ran = { status: null, stdout: '', stderr: '' }
  if (!inputStaysOpen) child.stdin?.end()
  child.stdout?.on('data', (chunk) => (ran.stdout += chunk))
  child.stderr?.on('data', (chunk) => (ran.stderr += chunk))
  await once(child, 'close')
  return { ...ran, status: child.exitCode }
}

export const runConvox = (home: string, ...args: string[]): Promise<Ran> =>
  finish(startConvox(home, args))
