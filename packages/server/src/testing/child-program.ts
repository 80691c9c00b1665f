import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export interface ChildEnd {
  code: number | null
  signal: NodeJS.Signals | null
}

export interface ChildProgram {
  process: ChildProcess
  /** Everything it has printed so far. */
  output(): string
  /** Resolves when the output holds `text`; rejects when the child ends before. */
  printed(text: string): Promise<void>
  ended: Promise<ChildEnd>
}

/**
 * Starts the built form of a program of `src/testing`, because a real process is what a signal ends
 * and what holds a lock. `npm test` builds first; alone, run `npx tsc -b` before.
 */
export function startProgram(
  name: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProgram {
  const file = fileURLToPath(new URL(`../../dist/testing/${name}.js`, import.meta.url))
  if (!existsSync(file)) throw new Error(`${name} is not built; run: npx tsc -b`)
  const child = spawn(process.execPath, [file, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
    ...options,
  })
  let output = ''
  const ended = new Promise<ChildEnd>((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal }))
  })
  child.stdout?.setEncoding('utf8').on('data', (chunk) => {
    output += chunk
  })
  return {
    process: child,
    output: () => output,
    ended,
    printed: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (output.includes(text)) resolve()
        }
        child.stdout?.on('data', look)
        void ended.then(({ code, signal }) => {
          look()
          reject(new Error(`${name} ended (${code ?? signal}) without printing ${text}: ${output}`))
        })
        look()
      }),
  }
}
