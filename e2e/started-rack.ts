/** A Rack of its own, started as an operator starts one: the real binary, a key that only we know. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { hashApiKey, mintApiKey } from '@keyrack/secrets'
import { freePorts } from './started-console.ts'

const launcher = fileURLToPath(new URL('../packages/rack/bin/keyrack-rack.js', import.meta.url))

export interface StartedRack {
  child: ChildProcess
  /** Where it keeps everything. */
  folder: string
  /** `localhost:PORT`. */
  host: string
  key: string
  fingerprint: string
  /** Starts it again on the same port, with a certificate that nobody has seen. */
  restartWithNewCertificate(): Promise<StartedRack>
  /** Ends it and starts it again on the same folder and port; `prefix` as at `startConsole`. */
  restart(signal?: NodeJS.Signals, prefix?: readonly string[]): Promise<StartedRack>
  remove(): Promise<void>
}

interface Start {
  folder: string
  port: string
  key: string
  extra: Record<string, string>
}

export async function startRack(extra: Record<string, string> = {}): Promise<StartedRack> {
  const folder = await mkdtemp(join(tmpdir(), 'keyrack-e2e-rack-'))
  const [port] = await freePorts(1)
  return launch({ folder, port: String(port), key: mintApiKey('rack').reveal(), extra })
}

async function launch(rack: Start, prefix: readonly string[] = []): Promise<StartedRack> {
  const { folder, port, key } = rack
  const [program = process.execPath, ...args] = [...prefix, process.execPath]
  const child = fork(launcher, {
    execPath: program,
    env: {
      PATH: process.env.PATH ?? '',
      HOME: folder,
      DATA_DIR: folder,
      RACK_NAME: 'lab',
      RACK_PORT: port,
      RACK_KEY_HASH: hashApiKey(key),
      LOG_LEVEL: 'warn',
      ...rack.extra,
    },
    execArgv: args,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const fingerprint = await Promise.race([
    once(child, 'message').then(([said]) => {
      const word = said as { type: string; message?: string; fingerprint: string }
      if (word.type !== 'ready') throw new Error(word.message)
      return word.fingerprint
    }),
    exited.then(([code]): never => {
      throw new Error(`the Rack ended with ${code}`)
    }),
  ])
  return {
    child,
    folder,
    host: `localhost:${port}`,
    key,
    fingerprint,
    async restartWithNewCertificate() {
      await stop(child, exited)
      await rm(join(folder, 'racks', 'lab', 'tls'), { recursive: true })
      return launch(rack)
    },
    async restart(signal = 'SIGTERM', again = []) {
      await stop(child, exited, signal)
      return launch(rack, again)
    },
    async remove() {
      await stop(child, exited)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function stop(
  child: ChildProcess,
  exited: Promise<unknown>,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) child.kill(signal)
  await exited
}
