import { errorText, KeyrackError } from '@keyrack/protocol'
import type { ConsoleContext, RequestContext } from '../context.ts'
import { type RotationReport, rotateMasterKey } from './rotate-master-key.ts'

export interface RotationState {
  state: 'none' | 'running' | 'done' | 'failed'
  resealed: number
  total: number
  /** When it is done. */
  report?: RotationReport
  /** Why it failed; another call goes on with it. */
  error?: string
}

/** The one rotation of a running server: whoever asks for another joins it. */
export class RotationRun {
  readonly #context: ConsoleContext
  #state: RotationState = { state: 'none', resealed: 0, total: 0 }

  constructor(context: ConsoleContext) {
    this.#context = context
  }

  state(): RotationState {
    return this.#state
  }

  begin(request: RequestContext): RotationState {
    if (this.#state.state === 'running') return this.#state
    this.#state = { state: 'running', resealed: 0, total: 0 }
    const progress = (resealed: number, total: number): void => {
      this.#state = { state: 'running', resealed, total }
    }
    rotateMasterKey(this.#context, request, progress).then(
      (report) => {
        this.#state = { ...this.#state, state: 'done', report }
      },
      (error: unknown) => {
        if (!(error instanceof KeyrackError)) {
          this.#context.log.error({ err: error }, 'the master key could not be rotated')
        }
        const text =
          error instanceof KeyrackError ? errorText(error) : 'the log of the server says why'
        this.#state = { ...this.#state, state: 'failed', error: text }
      },
    )
    return this.#state
  }
}
