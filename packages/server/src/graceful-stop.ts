import type { Logger } from './log.ts'

export interface StopOptions {
  log: Logger
  /** All steps together; when it has passed the process exits with 1. */
  deadlineMs: number
  /** Run in order; a step that fails is logged and the next one still runs. */
  steps: ReadonlyArray<readonly [name: string, run: () => Promise<void> | void]>
}

export interface GracefulStop {
  /** The same stop without a signal (a parent that went away, a fatal error). */
  stop(reason: string, exitCode?: 0 | 1): Promise<void>
  readonly stopping: boolean
  /** No longer listens for signals. */
  dispose(): void
}

/**
 * SIGTERM or SIGINT runs the steps and exits: 0 when all went well, 1 when a step failed or the
 * deadline passed. A second signal exits with 1 at once.
 */
export function onStop(options: StopOptions): GracefulStop {
  const { log, deadlineMs, steps } = options
  let running: Promise<void> | undefined

  async function runSteps(exitCode: 0 | 1): Promise<void> {
    let code: 0 | 1 = exitCode
    let current = 'nothing yet'
    const deadline = setTimeout(() => {
      log.error({ step: current, deadlineMs }, 'stopping took too long; exiting now')
      process.exit(1)
    }, deadlineMs)
    for (const [name, run] of steps) {
      current = name
      try {
        await run()
        log.debug({ step: name }, 'stop step done')
      } catch (error) {
        code = 1
        log.error({ err: error, step: name }, 'a stop step failed')
      }
    }
    clearTimeout(deadline)
    log.info('stopped')
    process.exit(code)
  }

  function stop(reason: string, exitCode: 0 | 1 = 0): Promise<void> {
    if (running === undefined) {
      log.info({ reason }, 'stopping')
      running = runSteps(exitCode)
    }
    return running
  }

  function onSignal(signal: NodeJS.Signals): void {
    if (running !== undefined) {
      log.warn({ reason: signal }, 'second signal; exiting now')
      process.exit(1)
    }
    void stop(signal)
  }

  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
  return {
    stop,
    get stopping() {
      return running !== undefined
    },
    dispose() {
      process.off('SIGTERM', onSignal)
      process.off('SIGINT', onSignal)
    },
  }
}
