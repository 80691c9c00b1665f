import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { eventually, isAlive } from './eventually.ts'

const PROGRAM = fileURLToPath(new URL('../../bin/keyrack-console.js', import.meta.url))

/** A Console as a person runs it: the built program, its own process, real ports. */
export class ConsoleProcess {
  readonly child: ChildProcess
  readonly exited: Promise<number | NodeJS.Signals>
  output = ''
  errors = ''

  constructor(dataDir: string, env: Record<string, string> = {}) {
    const ports = { PORT: '0', TLS_PORT: '0', OPERATOR_PORT: '0' }
    const child = spawn(process.execPath, [PROGRAM], {
      env: { PATH: process.env.PATH, DATA_DIR: dataDir, LOG_LEVEL: 'warn', ...ports, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child = child
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.output += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.errors += text
    })
    this.exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve(signal ?? code ?? -1))
    })
    onTestFinished(() => this.kill())
  }

  /** The address of the plain listener, once it has been printed. */
  async url(): Promise<string> {
    const printed = () =>
      /^ {2}Sign (?:up|in) at {2}(\S+)\/$.*^ {4}convox login .+\n/ms.exec(this.output)?.[1]
    await Promise.race([eventually('the banner', printed), this.exited])
    const url = printed()
    if (url === undefined) throw new Error(`the Console did not start: ${this.errors}`)
    return url.replace('localhost', '127.0.0.1')
  }

  /** What it has printed for the first sign-up. */
  get setupToken(): string | undefined {
    return /setup token .*\n {4}(\S{43})$/m.exec(this.output)?.[1]
  }

  /** The processes it has started. */
  children(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && isAlive(Number(name)))
      .map(Number)
      .filter((pid) => parentOf(pid) === this.child.pid)
  }

  /** As kill -9 does; resolves when whatever it had started is gone too. */
  async kill(): Promise<void> {
    const children = this.children()
    this.child.kill('SIGKILL')
    await this.exited
    await eventually('its children are gone', () => !children.some(isAlive))
  }
}

function parentOf(pid: number): number | undefined {
  try {
    const [, parent] = /^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return Number(parent)
  } catch {
    return undefined
  }
}

export async function post(
  url: string,
  path: string,
  body: unknown,
  apiKey?: string,
): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...authorization(apiKey) },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

/** The status of asking who a key belongs to. */
export async function tryKey(url: string, apiKey: string): Promise<number> {
  const response = await fetch(`${url}/auth`, { headers: authorization(apiKey) })
  await response.arrayBuffer()
  return response.status
}

function authorization(apiKey: string | undefined): Record<string, string> {
  if (apiKey === undefined) return {}
  return { authorization: `Basic ${Buffer.from(`convox:${apiKey}`).toString('base64')}` }
}
