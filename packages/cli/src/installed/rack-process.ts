import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, existsSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { writeDurably } from '../config-folder/write-durably.ts'
import { codeOf } from '../error-code.ts'
import { Failure } from '../failures.ts'
import { printable } from '../printable.ts'
import { mayRun, startOf } from '../running-process.ts'

const PROGRAM = fileURLToPath(new URL('../../../rack/bin/keyrack-rack.js', import.meta.url))
const READY_MS = 60_000
/** A Rack stops by itself within 7.5 s. */
const STOP_MS = 10_000
const BETWEEN_LOOKS_MS = 25
const BETWEEN_STARTS_MS = 250

export interface RackReady {
  url: string
  fingerprint: string
}

/** `starting`: it ends with the command that started it. `running`: it was told to stay. */
export interface RackProcess {
  pid: number
  state: 'starting' | 'running'
}

/** The Rack is a program of its own, which a lone command line does not have. */
export function requireProgram(): void {
  if (existsSync(PROGRAM)) return
  throw new Failure(
    'this convox came alone, without the Rack that it would start',
    'run it from a checkout of Keyrack, where packages/rack is beside packages/cli',
  )
}

/** The process of an installed Rack, if it runs. */
export function findProcess(folder: string): RackProcess | undefined {
  let text: string
  try {
    text = readFileSync(join(folder, 'process'), 'utf8')
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return undefined
    throw error
  }
  const [, digits, start, state] = /^(\d+) (\d*) (starting|running)\n$/.exec(text) ?? []
  const pid = Number(digits)
  if (state === undefined || !mayRun(pid, start)) return undefined
  return { pid, state: state === 'running' ? 'running' : 'starting' }
}

/** The folder or the port is in use. */
class StillInUse extends Failure {}

/**
 * Starts a Rack and waits until it is ready. One whose starter was killed before it could note its
 * number is not known here; it ends by itself within `STOP_MS`, and until then holds the folder.
 */
export async function startRack(
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<{ rack: StartingRack; ready: RackReady }> {
  const deadline = performance.now() + STOP_MS
  for (;;) {
    const rack = new StartingRack(folder, env)
    try {
      return { rack, ready: await rack.ready() }
    } catch (error) {
      if (!(error instanceof StillInUse) || performance.now() > deadline) throw error
      await delay(BETWEEN_STARTS_MS)
    }
  }
}

/** Starts the Rack in a session of its own. Until `letGo` it ends with this process, however that ends. */
class StartingRack {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #errors: string

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    this.#folder = folder
    this.#errors = join(folder, 'errors')
    const errors = openSync(this.#errors, 'w', 0o600)
    try {
      this.#child = spawn(process.execPath, [PROGRAM], {
        cwd: folder,
        env: { ...env, DATA_DIR: folder, HOST: '127.0.0.1', LOG_FILE: join(folder, 'log') },
        detached: true,
        stdio: ['ignore', 'ignore', errors, 'ipc'],
      })
    } finally {
      closeSync(errors)
    }
    // Without it a program that cannot be run would end this one.
    this.#child.on('error', () => {})
    this.#remember('starting')
  }

  /** Its first word. Nothing but the channel, which only our own child has, is believed. */
  async ready(timeoutMs = READY_MS): Promise<RackReady> {
    const limit = AbortSignal.timeout(timeoutMs)
    let message: unknown
    try {
      message = await Promise.race([
        once(this.#child, 'message', { signal: limit }).then(([word]) => word),
        // Its last message is delivered before its end.
        once(this.#child, 'disconnect', { signal: limit }).then(() => undefined),
      ])
    } catch (error) {
      if (!limit.aborted) throw error
      await this.abandon()
      throw this.#failed(`it was not ready after ${timeoutMs / 1000} s`)
    }
    const word = isRecord(message) ? message : {}
    if (word.type === 'ready' && isText(word.url) && isText(word.fingerprint)) {
      if (/^[0-9a-f]{64}$/.test(word.fingerprint)) {
        return { url: word.url, fingerprint: word.fingerprint }
      }
    }
    await this.abandon()
    const failure = this.#failed(isText(word.message) ? word.message : this.#lastErrors())
    throw word.code === 'conflict' ? new StillInUse(failure.message, failure.hint) : failure
  }

  /** From now on it outlives this process. */
  async letGo(): Promise<void> {
    this.#remember('running')
    const gone = once(this.#child, 'disconnect')
    this.#child.send({ type: 'detach' })
    const [word] = await Promise.race([once(this.#child, 'message'), gone.then(() => [])])
    if (!isRecord(word) || word.type !== 'detached') throw this.#failed(this.#lastErrors())
    await gone
    this.#child.unref()
  }

  async abandon(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#child
    const ended = exitCode !== null || signalCode !== null
    if (pid !== undefined && !ended) await endProcess(pid, startOf(pid))
  }

  #remember(state: RackProcess['state']): void {
    const { pid } = this.#child
    if (pid === undefined) throw this.#failed('its program cannot be run')
    const path = join(this.#folder, 'process')
    const text = `${pid} ${startOf(pid) ?? ''} ${state}\n`
    // At once rather than durably: until it is there, nobody else knows this process.
    if (state === 'starting') writeFileSync(path, text, { mode: 0o600 })
    else writeDurably(path, text)
  }

  #failed(why: string): Failure {
    const said = why === '' ? 'it ended without a word' : why
    return new Failure(`the Rack did not start: ${said}`, `its log is ${join(this.#folder, 'log')}`)
  }

  #lastErrors(): string {
    const lines = readFileSync(this.#errors, 'utf8').trim().split('\n')
    return printable(lines.slice(-5).join('\n'))
      .replace(/^ERROR: /, '')
      .slice(0, 2000)
  }
}

/** What the Rack's program ends with when its folder is in use. */
const NOT_NOW = 75

/**
 * Runs a command of the Rack's program on a Rack that is stopped; fails with what it says. A Rack
 * that is not known here, see `startRack`, is waited for.
 */
export async function runOnStopped(
  folder: string,
  word: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const deadline = performance.now() + STOP_MS
  for (;;) {
    const { status, said } = await runProgram(folder, word, env)
    if (status === 0) return
    if (status !== NOT_NOW || performance.now() > deadline) {
      throw new Failure(said === '' ? 'the program of the Rack ended without a word' : said)
    }
    await delay(BETWEEN_STARTS_MS)
  }
}

async function runProgram(folder: string, word: string, env: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, [PROGRAM, word], {
    cwd: folder,
    env: { ...env, DATA_DIR: folder },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  // It asks once it holds the folder, and changes nothing when this process was killed meanwhile.
  child.once('message', () => child.send('go', () => {}))
  const spoken: Buffer[] = []
  child.stderr?.on('data', (chunk: Buffer) => spoken.push(chunk))
  const [status] = await once(child, 'close')
  const said = printable(Buffer.concat(spoken).toString('utf8').trim()).replace(/^ERROR: /, '')
  return { status, said }
}

/** Asks a Rack to stop and waits for its end; false when it did not run. */
export async function stopProcess(folder: string): Promise<boolean> {
  const found = findProcess(folder)
  if (found === undefined) return false
  await endProcess(found.pid, startOf(found.pid))
  return true
}

async function endProcess(pid: number, start: string | undefined): Promise<void> {
  signal(pid, 'SIGTERM')
  if (await hasEnded(pid, start, STOP_MS)) return
  // Its instances notice by themselves that it is gone.
  signal(pid, 'SIGKILL')
  if (await hasEnded(pid, start, STOP_MS)) return
  throw new Failure(`process ${pid}, the Rack, does not end`, `look at it: ps -f -p ${pid}`)
}

async function hasEnded(pid: number, start: string | undefined, waitMs: number): Promise<boolean> {
  const deadline = performance.now() + waitMs
  while (mayRun(pid, start)) {
    if (performance.now() > deadline) return false
    await delay(BETWEEN_LOOKS_MS)
  }
  return true
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (codeOf(error) !== 'ESRCH') throw error
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
