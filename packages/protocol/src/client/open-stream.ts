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
  /** See `FrameStreamOptions`. */
  endUnsaid?: true
}

/** The bytes of an open WebSocket. */
export interface ClientStream extends Duplex {
  /** What the server calls this request, where it says so; for errors that come inside the stream. */
  readonly requestId: string | undefined
}

/** The stream of a WebSocket that is being opened, once it is open. */
export function openStream(ws: WebSocket, options: OpenStreamOptions): Promise<ClientStream> {
  const { host, timeoutMs, signal, ...framing } = options
  // Created at once: frames that arrive with the handshake's answer must find a listener.
  const stream = new FrameStream(ws, { frameBytesMax: 1024, ...framing })
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
    let requestId: string | undefined
    ws.once('upgrade', ({ headers }) => {
      requestId = shownRequestId(headers['request-id'])
    })
    ws.once('error', failed)
    ws.once('unexpected-response', (_request, response) => {
      readAnswer(response).then((answer) => {
        if (answer.status >= 300) failed(answerError(answer, host))
        else failed(new KeyrackError('rack-broken', `${host} did not open a stream`))
      }, failed)
    })
    ws.once('open', () => {
      clearTimeout(late)
      resolve(Object.assign(stream, { requestId }))
    })
    stream.once('close', () => signal?.removeEventListener('abort', aborted))
    if (signal?.aborted) aborted()
    else signal?.addEventListener('abort', aborted, { once: true })
  })
}

/** Only what can be nothing else: it ends up at a terminal. */
function shownRequestId(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && /^[\w.:-]{1,128}$/.test(value) ? value : undefined
}
