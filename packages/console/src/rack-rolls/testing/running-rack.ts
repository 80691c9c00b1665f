import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { hashApiKey, mintApiKey, type Secret } from '@keyrack/secrets'
import { RACK_PROGRAM } from '../../racks/local-rack.ts'

export interface RunningRack {
  /** `localhost:PORT`. */
  readonly host: string
  readonly url: string
  readonly port: string
  readonly fingerprint: string
  readonly rackId: string
  /** The key it was installed with. */
  readonly key: Secret
  readonly dataDir: string
  kill(signal?: NodeJS.Signals): Promise<void>
  /** Again, on the same port and data. */
  restart(): Promise<void>
}

/** The real Rack as a process of its own, with the local engine. */
export async function runRack(dataDir: string): Promise<RunningRack> {
  const key = mintApiKey('rack')
  let child: ChildProcess | undefined
  let port = '0'
  async function launch() {
    const started = fork(RACK_PROGRAM, {
      env: {
        PATH: process.env.PATH ?? '',
        HOME: dataDir,
        DATA_DIR: dataDir,
        RACK_NAME: 'lab',
        RACK_KEY_HASH: hashApiKey(key),
        LOG_LEVEL: 'error',
        ...(port === '0' ? {} : { RACK_PORT: port }),
      },
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    child = started
    const word = await Promise.race([
      once(started, 'message').then(([said]) => said as ReadyWord),
      once(started, 'exit').then(([code]): never => {
        throw new Error(`the Rack ended with ${code}`)
      }),
    ])
    if (word.type !== 'ready') throw new Error(word.message)
    port = new URL(word.url).port
    return word
  }
  async function kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(signal)
    await exited
  }
  const { url, fingerprint, rackId } = await launch()
  return {
    ...{ host: `localhost:${port}`, url, port, fingerprint, rackId, key, dataDir, kill },
    async restart() {
      await kill()
      await launch()
    },
  }
}

interface ReadyWord {
  type: string
  message?: string
  url: string
  fingerprint: string
  rackId: string
}
