import { Readable, Writable } from 'node:stream'
import type { Environment } from '../config.ts'
import { exitStatus } from '../exit-status.ts'
import { runProgram } from '../program.ts'
import { Terminal } from '../terminal.ts'
import type { Ran } from './run-convox.ts'

/**
 * A command line in this process, hundreds of times faster than in one of its own: what main.ts
 * does, with nobody at a terminal and an empty stdin.
 */
export async function runHere(argv: readonly string[], environment: Environment): Promise<Ran> {
  const texts = { stdout: '', stderr: '' }
  const into = (name: 'stdout' | 'stderr') =>
    new Writable({
      write(chunk, _encoding, done) {
        texts[name] += String(chunk)
        done()
      },
    })
  const streams = { stdin: Readable.from([]), stdout: into('stdout'), stderr: into('stderr') }
  const terminal = new Terminal(streams, environment)
  terminal.restrict({ asking: false })
  let status = 0
  try {
    await runProgram(argv, terminal, environment)
  } catch (error) {
    const ending = exitStatus(error)
    if (ending.text !== undefined) terminal.error(ending.text)
    status = ending.status
  }
  await terminal.flush()
  return { status, ...texts }
}
