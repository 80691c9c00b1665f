import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { KeyrackError } from '../errors.ts'
import { FrameStream } from '../stream.ts'
import { answerError } from './answer-error.ts'
import { readAnswer } from './exchange.ts'

export interface OpenStreamOptions {
  /** As shown in errors. */
  host: string
  timeoutMs: number
  signal: AbortSignal | undefined
}

/** The stream of a WebSocket that is being opened, once it is open. */
export function openStream(ws: WebSocket, options: OpenStreamOptions): Promise<Duplex> {
  const { host, timeoutMs, signal } = options
  // Created at once: frames that arrive with the handshake's answer must find a listener.
  const stream = new FrameStream(ws, { frameBytesMax: 1024 })
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => {
      clearTimeout(late)
      reject(error)
      stream.destroy(error instanceof Error ? error : undefined)
    }
    const aborted = (): void => {
      failed(signal?.reason)
    }
    // `handshakeTimeout` of ws has no effect on a socket that is connected already.
    const late = setTimeout(() => {
      failed(new KeyrackError('timeout', `${host} did not open the stream in time`))
    }, timeoutMs)
    ws.once('error', failed)
    ws.once('unexpected-response', (_request, response) => {
      readAnswer(response).then((answer) => {
        if (answer.status >= 300) failed(answerError(answer, host))
        else failed(new KeyrackError('rack-broken', `${host} did not open a stream`))
      }, failed)
    })
    ws.once('open', () => {
      clearTimeout(late)
      resolve(stream)
    })
    stream.once('close', () => signal?.removeEventListener('abort', aborted))
    if (signal?.aborted) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
  })
}
