import type { FrameStream } from '@keyrack/protocol'

/** The streams that are open now, so that a stopping server can end each with a reason. */
export class OpenStreams {
  readonly #open = new Map<FrameStream, AbortController>()
  #stopReason: unknown

  /** The signal is aborted when the client is gone or the server stops. */
  add(stream: FrameStream, clientGone: () => unknown): AbortSignal {
    const controller = new AbortController()
    this.#open.set(stream, controller)
    stream.once('close', () => {
      this.#open.delete(stream)
      controller.abort(clientGone())
    })
    if (this.#stopReason !== undefined) controller.abort(this.#stopReason)
    return controller.signal
  }

  get size(): number {
    return this.#open.size
  }

  /** Ends every stream with `reason`, and resolves when all are closed or the time is over. */
  async stop(reason: unknown, graceMs: number): Promise<void> {
    this.#stopReason = reason
    const closed = [...this.#open].map(([stream, controller]) => {
      const gone = new Promise<void>((resolve) => stream.once('close', () => resolve()))
      controller.abort(reason)
      return gone
    })
    const timer = setTimeout(() => {
      for (const stream of this.#open.keys()) stream.destroy()
    }, graceMs)
    await Promise.all(closed)
    clearTimeout(timer)
  }
}
