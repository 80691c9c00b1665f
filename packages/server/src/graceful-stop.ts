import type { Logger } from './log.ts'

export interface StopOptions {
  log: Logger
  /** All steps together; when it has passed the process exits with 1. */
  deadlineMs: number
  /** Run in order; a step that fails is logged and the next one still runs. */
  steps: ReadonlyArray<readonly [name: string, run: () => Promise<void> | void]>
}

export interface GracefulStop {
  /** Starts the same stop without a signal (a parent that went away, a fatal error). */
  stop(reason: string, exitCode?: 0 | 1): Promise<void>
  readonly stopping: boolean
  /** Stops listening for signals. */
  dispose(): void
}

export function onStop(_options: StopOptions): GracefulStop {
  throw new Error('not written yet')
}
