import { errorText, KeyrackError } from '@keyrack/protocol'
import { createLogger, type Logger, onStop } from '@keyrack/server'
import { readConfig } from './config.ts'
import { startConsole } from './wire.ts'

const STOP_DEADLINE_MS = 20_000

/** The server as a process: its environment, its signals, what it says to whoever started it. */
export async function serve(): Promise<void> {
  let log: Logger | undefined
  try {
    const config = readConfig({ env: process.env })
    log = createLogger({ name: 'console', level: config.logLevel })
    const starting = startConsole(config, log)
    // A signal during the start waits for it: what is half open could not be closed in order.
    const steps = [['console', async () => (await starting).stop()]] as const
    const stop = onStop({ log, deadlineMs: STOP_DEADLINE_MS, steps })
    process.once('uncaughtException', (error) => {
      log?.fatal({ err: error }, 'a mistake in the program; stopping')
      void stop.stop('a mistake in the program', 1)
    })
    const { banner, localRack, reloadCertificate } = await starting
    process.on('SIGHUP', () => {
      reloadCertificate().catch((error: unknown) => {
        log?.error(
          { err: error },
          'the certificate was not read again; the one before still serves',
        )
      })
    })
    // A disk that is full, or a reader that is gone, must not end the server.
    process.stdout.on('error', () => {})
    process.stdout.write(banner)
    localRack.catch((error: unknown) => {
      say(error, log)
      void stop.stop('the local Rack cannot listen', 1)
    })
  } catch (error) {
    say(error, log)
    process.exit(1)
  }
}

function say(error: unknown, log: Logger | undefined): void {
  if (!(error instanceof KeyrackError)) log?.fatal({ err: error }, 'the Console could not start')
  const message =
    error instanceof KeyrackError
      ? errorText(error)
      : 'the Console could not start; the line above says why'
  process.stderr.write(`ERROR: ${message}\n`)
}
