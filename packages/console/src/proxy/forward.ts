/**
 * Step 5: the request to the Rack and its answer back, streaming both ways, each side's end or
 * failure felt by the other.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'
import type { Dispatcher } from 'undici'
import { answerHeaders, keyGeneration } from './answer-headers.ts'
import { whenClientLeaves } from './client-leaves.ts'
import { ClientGone, describeFailure, isBrokenOff } from './describe-failure.ts'
import { hasBody, uploadBody } from './upload-body.ts'

/** How long a Rack may take to begin its answer to a request that has no body left to send. */
const ANSWER_TIMEOUT_MS = 5 * 60_000

const NOTHING = Buffer.alloc(0)

export interface ForwardedRequest {
  pool: Dispatcher
  /** For error texts: `org/rack`. */
  rackName: string
  method: string
  /** Path and query. */
  target: string
  headers: string[]
  /** On record, so never sent twice. */
  audited: boolean
  /** A body that was read already; otherwise the client's own is streamed. */
  body?: Buffer
  requestId: string
  /** The head of the answer has come; with what the Rack says of its key, if it does. */
  answered(generation?: number): void
}

/** Forwards and answers; resolves with the Rack's status once the whole answer has been passed on. */
export async function forward(
  client: IncomingMessage,
  answer: ServerResponse,
  sent: ForwardedRequest,
): Promise<number> {
  try {
    return await dispatch(client, answer, sent)
  } catch (error) {
    // A kept connection that the Rack closed just now: nothing was answered, and asking again is
    // safe for reads without a body (RFC 9110 9.2.2).
    if (!(mayRepeat(client, sent) && isBrokenOff(error) && !answer.headersSent)) {
      throw describeFailure(error, sent.rackName)
    }
  }
  try {
    return await dispatch(client, answer, sent)
  } catch (error) {
    throw describeFailure(error, sent.rackName)
  }
}

function dispatch(
  client: IncomingMessage,
  answer: ServerResponse,
  sent: ForwardedRequest,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let status = 0
    let gone = false
    let abort: (() => void) | undefined
    const stopWatching = whenClientLeaves(client, () => {
      gone = true
      abort?.()
      reject(new ClientGone())
    })
    if (gone) return
    const settle = (finish: () => void): void => {
      stopWatching()
      finish()
    }
    const streamed = sent.body === undefined && hasBody(client)

    sent.pool.dispatch(
      {
        method: sent.method as Dispatcher.HttpMethod,
        path: sent.target,
        headers: sent.headers,
        body: streamed ? uploadBody(client) : (sent.body ?? null),
        // An upload may take as long as it takes; a quiet answer may stay quiet.
        headersTimeout: streamed ? 0 : ANSWER_TIMEOUT_MS,
        bodyTimeout: 0,
      },
      // The handlers with raw header arrays: names and values go on byte for byte.
      {
        onConnect(cancel) {
          abort = cancel
          if (gone) cancel()
        },
        onHeaders(statusCode, rawHeaders, resume) {
          if (statusCode < 200) return true
          status = statusCode
          const raw = rawHeaders.map((part) => part.toString('latin1'))
          sent.answered(keyGeneration(raw))
          const refusal = rackRefusal(statusCode, sent.rackName)
          if (refusal !== undefined) throw refusal
          answer.writeHead(statusCode, answerHeaders(raw, sent.requestId))
          // The head goes out at once: a stream's first byte may be hours away. `flushHeaders` would
          // send it as UTF-8, and spoil values that hold such bytes already.
          answer.write(NOTHING)
          answer.on('drain', resume)
          return true
        },
        onData(chunk) {
          return answer.write(chunk)
        },
        onComplete() {
          // The connection is for other requests now; this client's pace is nothing to them.
          answer.removeAllListeners('drain')
          // Watched until the last byte is out: a client that leaves before gets no `finish`.
          answer.end(() => settle(() => resolve(status)))
        },
        onError(error) {
          settle(() => reject(gone ? new ClientGone() : error))
        },
      },
    )
  })
}

/** Answers that must not reach a person as they are. */
export function rackRefusal(status: number, rackName: string): KeyrackError | undefined {
  if (status === 401) {
    return new KeyrackError(
      'rack-refused',
      `${rackName} refused the key that Console holds for it`,
      {
        hint: `its key may have been changed elsewhere; an administrator of the organization enters the new one with: convox rack key set ${rackName}`,
      },
    )
  }
  // Followed, it would take a credential or at least a person to an address nobody checked.
  if (status >= 300 && status < 400 && status !== 304) {
    return new KeyrackError('rack-broken', `${rackName} answered with a redirect`, {
      hint: 'a Rack has one address; check its host',
    })
  }
  return undefined
}

/** What is on record happens once, also when it is a GET: some of them change something. */
function mayRepeat(client: IncomingMessage, { method, audited }: ForwardedRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && !audited && !hasBody(client)
}
