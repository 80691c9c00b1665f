import { InstanceProblem } from './instance-problem.ts'

export interface TimeLimit {
  signal: AbortSignal
  /** To be called when the work has ended. */
  over(): void
}

/** A signal that is aborted when the Rack stops, or when the time is over. */
export function timeLimit(stopped: AbortSignal, ms: number): TimeLimit {
  const controller = new AbortController()
  const stop = (): void => controller.abort(stopped.reason)
  stopped.addEventListener('abort', stop, { once: true })
  if (stopped.aborted) stop()
  const timer = setTimeout(() => controller.abort(new InstanceProblem('it is too slow')), ms)
  return {
    signal: controller.signal,
    over() {
      clearTimeout(timer)
      stopped.removeEventListener('abort', stop)
    },
  }
}
