import type { ClientRequest, IncomingMessage } from 'node:http'
import { KeyrackError } from '../errors.ts'

export interface Answer {
  status: number
  headers: Record<string, string>
  body: string
}

const BODY_BYTES_MAX = 64 * 1024 * 1024

/** Sends a prepared request and reads its whole answer; a cut answer is an error. */
export function exchange(
  outgoing: ClientRequest,
  body: string | undefined,
  { timeoutMs, bytesMax }: { timeoutMs: number; bytesMax?: number | undefined },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    let answered = false
    const expire = (): void => {
      reject(Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' }))
      outgoing.destroy()
    }
    const untilHead = setTimeout(expire, timeoutMs)
    outgoing.on('error', reject)
    outgoing.once('response', (response) => {
      answered = true
      clearTimeout(untilHead)
      outgoing.setTimeout(timeoutMs, expire)
      readAnswer(response, bytesMax).then(resolve, reject)
    })
    outgoing.once('close', () => {
      clearTimeout(untilHead)
      // An upgrade that nobody asked for ends here, without an answer and without an error.
      if (!answered) reject(new Error('closed without an answer'))
    })
    // Bytes, because Node writes the head in the encoding of a text that follows it (UTF-8).
    outgoing.end(body === undefined ? undefined : Buffer.from(body, 'utf8'))
  })
}

/** Reads a whole answer; fails when it was cut, is too large, or does not say where it ends. */
export async function readAnswer(
  response: IncomingMessage,
  bytesMax: number = BODY_BYTES_MAX,
): Promise<Answer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of response) {
    length += chunk.length
    if (length > bytesMax) {
      response.destroy()
      throw broken('the answer is larger than any real one')
    }
    chunks.push(chunk)
  }
  const headers: Record<string, string> = {}
  for (const [name, value] of Object.entries(response.headers)) {
    if (value !== undefined) headers[name] = Array.isArray(value) ? value.join(', ') : value
  }
  const status = response.statusCode ?? 0
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding !== 'identity') throw broken('the answer is compressed, which was not asked for')
  const delimited = 'content-length' in headers || 'transfer-encoding' in headers
  // Without a length a cut answer looks like a short one. Errors are shown all the same.
  if (length > 0 && !delimited && status < 300) throw broken('the answer does not say its length')
  return { status, headers, body: Buffer.concat(chunks).toString('utf8') }
}

function broken(message: string): KeyrackError {
  return new KeyrackError('rack-broken', message, { hint: 'is this a Console or a Rack?' })
}
