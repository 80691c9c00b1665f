import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { AtEnd } from './temporary-folder.ts'

const BINARY = fileURLToPath(new URL('../../bin/keyrack-rack.js', import.meta.url))
const BUILT = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

export interface Ready {
  type: 'ready'
  url: string
  fingerprint: string
  rackId: string
}

export interface Failed {
  type: 'failed'
  message: string
}

/** What runs in the place of the real binary. */
export interface OtherProgram {
  program?: string
  args?: readonly string[]
  atEnd?: AtEnd
}

/** The real binary as a child with an IPC channel, as a Console starts it. */
export class RackProcess {
  readonly child: ChildProcess
  readonly said: Promise<Ready | Failed>
  readonly exited: Promise<{ code: number | null; signal: string | null }>
  output = ''

  constructor(env: Record<string, string>, other: OtherProgram = {}) {
    const { program = BINARY, args = [], atEnd = onTestFinished } = other
    if (!existsSync(BUILT)) throw new Error('packages/rack is not built; run: npx tsc -b')
    const { PATH = '', HOME = '', TMPDIR } = process.env
    this.child = fork(program, args, {
      env: { PATH, HOME, ...(TMPDIR === undefined ? {} : { TMPDIR }), ...env },
      execArgv: [],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    const exit = once(this.child, 'exit')
    const outputs = [this.child.stdout, this.child.stderr].map(async (stream) => {
      if (stream === null) return
      for await (const text of stream.setEncoding('utf8')) this.output += text
    })
    // Not 'close', which never comes once this side has closed the channel.
    this.exited = Promise.all([exit, ...outputs]).then(([[code, signal]]) => ({ code, signal }))
    this.said = Promise.race([
      once(this.child, 'message').then(([message]) => message as Ready | Failed),
      this.exited.then(() => {
        throw new Error(`it ended without a message: ${this.output}`)
      }),
    ])
    this.said.catch(() => {})
    atEnd(async () => {
      if (this.child.exitCode === null && this.child.signalCode === null) {
        this.child.kill('SIGKILL')
      }
      await this.exited
    })
  }

  async ready(): Promise<Ready> {
    const said = await this.said
    if (said.type === 'ready') return said
    throw new Error(said.message)
  }

  async failed(): Promise<string> {
    const said = await this.said
    if (said.type === 'failed') return said.message
    throw new Error(`it started: ${said.url}`)
  }
}
