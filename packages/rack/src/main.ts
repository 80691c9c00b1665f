import { errorText, KeyrackError } from '@keyrack/protocol'
import { createLogger, type Logger, onStop, openLogFile } from '@keyrack/server'
import { readConfig } from './config.ts'

// The process: its environment, its signals and its parent. A Console starts its local Rack as a
// child with an IPC channel and learns from it the address and the certificate, or why not. The
// channel is also its lifeline, until a parent that wants to be outlived says `detach`.
// With a word behind its name it is no Rack, but a command for the host.

/** Within the 8 s after which a Console kills its local Rack. */
const STOP_DEADLINE_MS = 7_500

const words = process.argv.slice(2)
if (words.length === 0) await main()
else {
  const { runHostCommand } = await import('./host-commands/run-host-command.ts')
  process.exitCode = await runHostCommand(words)
  if (process.connected) process.disconnect()
}

async function main(): Promise<void> {
  let log: Logger | undefined
  try {
    const config = readConfig({ env: process.env })
    const { logLevel: level, logFile } = config
    const destination = logFile === undefined ? {} : { destination: openLogFile(logFile) }
    const logger = createLogger({ name: 'rack', level, ...destination })
    log = logger
    const starting = import('./wire.ts').then(({ startRack }) => startRack(config, logger))
    const steps = [['rack', async () => (await starting).stop()]] as const
    const stop = onStop({ log, deadlineMs: STOP_DEADLINE_MS, steps })
    // The channel closes when the parent dies, however it dies.
    const parentGone = (): void => void stop.stop('the parent process is gone')
    process.once('disconnect', parentGone)
    process.on('message', (message) => {
      // Messages come before the end of their channel, so a parent may die right after its word.
      if (isDetach(message)) void detach(parentGone)
    })
    // It may have died while this program was still being loaded.
    if (process.send !== undefined && !process.connected) parentGone()
    process.once('uncaughtException', (error) => {
      log?.fatal({ err: error }, 'a mistake in the program; stopping')
      void stop.stop('a mistake in the program', 1)
    })

    const { url, fingerprint, rackId } = await starting
    log.info({ url, fingerprint, rackId }, 'the Rack is ready')
    await tellParent({ type: 'ready', url, fingerprint, rackId })
  } catch (error) {
    await fail(error, log)
  }
}

/** Lets the Rack outlive its parent: the lifeline is let go, and the parent told before. */
async function detach(parentGone: () => void): Promise<void> {
  process.off('disconnect', parentGone)
  await tellParent({ type: 'detached' })
  if (process.connected) process.disconnect()
}

function isDetach(message: unknown): boolean {
  return (
    typeof message === 'object' &&
    message !== null &&
    'type' in message &&
    message.type === 'detach'
  )
}

async function fail(error: unknown, log: Logger | undefined): Promise<void> {
  if (!(error instanceof KeyrackError)) log?.fatal({ err: error }, 'the Rack could not start')
  const message =
    error instanceof KeyrackError ? errorText(error) : 'the Rack could not start; its log says why'
  process.stderr.write(`ERROR: ${message}\n`)
  const code = error instanceof KeyrackError ? error.code : 'internal'
  await tellParent({ type: 'failed', message, code })
  process.exit(1)
}

type Message =
  | { type: 'ready'; url: string; fingerprint: string; rackId: string }
  | { type: 'failed'; message: string; code: string }
  | { type: 'detached' }

function tellParent(message: Message): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve()
    // A parent that is gone needs no message; its end is noticed by itself.
    else process.send(message, undefined, undefined, () => resolve())
  })
}
