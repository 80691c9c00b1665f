import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { EngineLog, InstanceStatus } from '../engine.ts'
import { type BootParameters, type BootReport, parseBootReport } from './instance/boot-messages.ts'
import { instanceProgram } from './instance-program.ts'
import { endMarkedProcesses } from './process-mark.ts'

/** How long an instance may take until its SSH server listens. */
const BOOT_MS = 30_000
/** How long it may take to end its sessions and itself; then it is killed. */
const STOP_MS = 5_000

/** One life of an instance: from the start of its process to the end of the last one it started. */
export class RunningInstance {
  readonly id: string
  readonly #child: ChildProcess
  #report: BootReport | undefined
  #stopping = false
  /** Resolves when it can be reached; rejects when it ends before. */
  readonly ready: Promise<void>
  /** Resolves when it ended and everything that it started was killed. */
  readonly gone: Promise<void>

  constructor(parameters: BootParameters, environment: Record<string, string>, log: EngineLog) {
    this.id = parameters.id
    this.#child = spawn(process.execPath, [instanceProgram(), parameters.id], {
      cwd: parameters.home,
      env: environment,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    const exited = new Promise<string>((resolve) => {
      this.#child.once('error', (error) => resolve(error.message))
      this.#child.once('exit', (code, signal) =>
        resolve(signal === null ? `exit status ${code}` : `signal ${signal}`),
      )
    })
    this.gone = exited.then(async () => {
      const mark = { owner: parameters.owner, instance: this.id }
      const left = await endMarkedProcesses(mark, 0)
      if (left > 0) log.error({ instance: this.id, left }, 'processes of the instance do not end')
    })
    this.ready = Promise.race([
      this.#boot(parameters, log),
      exited.then((how) => Promise.reject(new Error(`instance ${this.id} ended: ${how}`))),
    ])
    this.ready.catch(() => {})
  }

  get status(): InstanceStatus {
    if (this.#stopping) return 'terminating'
    return this.#report === undefined ? 'pending' : 'running'
  }

  /** Undefined until it is ready. */
  get report(): BootReport | undefined {
    return this.#report
  }

  /** Asks it to end by closing its life line, and kills it when it does not. */
  async stop(): Promise<void> {
    this.#stopping = true
    this.#child.stdin?.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_MS)
    await this.gone
    clearTimeout(timer)
  }

  async #boot(parameters: BootParameters, log: EngineLog): Promise<void> {
    const { stdin, stdout, stderr } = this.#child
    if (stdin === null || stdout === null || stderr === null) return
    createInterface({ input: stderr }).on('line', (line) => {
      log.warn({ instance: this.id }, line)
    })
    // It may end before it reads; `exited` tells.
    stdin.on('error', () => {})
    stdin.write(`${JSON.stringify(parameters)}\n`)
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), BOOT_MS)
    try {
      const lines = createInterface({ input: stdout })
      const [line] = await once(lines, 'line')
      this.#report = parseBootReport(String(line))
    } catch (error) {
      this.#child.kill('SIGKILL')
      throw error
    } finally {
      clearTimeout(timer)
    }
  }
}
