import { type ChildProcess, spawn } from 'node:child_process'
import { z } from 'zod'

/** What a Rack tells its parent once: where it listens, or why it does not. */
const Message = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    // Its own parent started it on this machine; another address would be a mistake.
    url: z.string().regex(/^https:\/\/(127\.0\.0\.1|\[::1\]|localhost):\d{1,5}$/),
    fingerprint: z.string().regex(/^[0-9a-f]{64}$/),
    rackId: z.string().optional(),
  }),
  z.object({ type: z.literal('failed'), message: z.string() }),
])

export type RackWord = z.infer<typeof Message> | { type: 'ended'; how: string }
export type RackReady = Extract<RackWord, { type: 'ready' }>

export interface RackProgram {
  /** The file that node runs. */
  file: string
  env: Readonly<Record<string, string>>
}

/**
 * One run of a Rack as a child process. The IPC channel is its lifeline: when this process dies in
 * whatever way, the system closes the channel and the Rack stops by itself.
 */
export class RackChild {
  readonly firstWord: Promise<RackWord>
  readonly ended: Promise<string>
  readonly #process: ChildProcess
  #ready = false

  constructor({ file, env }: RackProgram) {
    const child = spawn(process.execPath, [file], {
      env: { ...env },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    this.#process = child
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) => resolve(signal ?? `exit code ${code}`))
    })
    this.firstWord = new Promise((resolve) => {
      child.on('message', (message) => {
        const parsed = Message.safeParse(message)
        if (!parsed.success) return
        this.#ready = parsed.data.type === 'ready'
        resolve(parsed.data)
      })
      // A message that was sent before the end is delivered first ("disconnect" comes after it).
      this.ended.then((how) => setImmediate(() => resolve({ type: 'ended', how })))
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  /**
   * Asks it to stop; after the grace it is killed. A Rack that is up is asked by closing its
   * lifeline: after Ctrl-C it has had the terminal's signal already, and would take ours as the
   * second one, which means "at once". One that is still starting may not be listening to it yet.
   */
  async stop(graceMs: number): Promise<void> {
    if (this.#ready && this.#process.connected) this.#process.disconnect()
    else this.#process.kill('SIGTERM')
    const kill = setTimeout(() => this.#process.kill('SIGKILL'), graceMs)
    await this.ended
    clearTimeout(kill)
  }
}
