import type { IncomingMessage } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'

export const BODY_BYTES_MAX = 64 * 1024
/** So much is there in seconds on any line; whoever takes longer only holds a connection. */
const WAIT_MS = 30_000

const received = new WeakMap<IncomingMessage, Promise<Buffer>>()

/**
 * The body of a JSON request or a form, as text. At most 64 KiB are kept, whatever length was told;
 * what is proxied to a Rack is a stream and does not come here.
 */
export async function readBody(incoming: IncomingMessage): Promise<string> {
  return decode(await receiveBody(incoming))
}

/**
 * Waits for the whole body, which `readBody` then has at once. To be awaited before anybody's rights
 * are looked at: a body can be held back until the key that came with its head has been revoked
 * (CWE-367).
 */
export function receiveBody(incoming: IncomingMessage, waitMs = WAIT_MS): Promise<Buffer> {
  const body = received.get(incoming) ?? readBytes(incoming, waitMs)
  received.set(incoming, body)
  return body
}

function readBytes(incoming: IncomingMessage, waitMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => stop(late()), waitMs)
    const chunks: Buffer[] = []
    let size = 0
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size <= BODY_BYTES_MAX) chunks.push(chunk)
      else stop(tooLarge())
    }
    const stop = (error: KeyrackError): void => {
      clearTimeout(timer)
      // The rest is not read here: the answer goes out and the listener ends the connection.
      incoming.off('data', take).pause()
      reject(error)
    }
    if (Number(incoming.headers['content-length'] ?? 0) > BODY_BYTES_MAX) {
      stop(tooLarge())
      return
    }
    incoming.on('data', take)
    incoming.once('end', () => {
      clearTimeout(timer)
      resolve(Buffer.concat(chunks))
    })
    incoming.once('error', (cause) => {
      clearTimeout(timer)
      reject(new KeyrackError('invalid', 'the request body ended early', { field: 'body', cause }))
    })
  })
}

function tooLarge(): KeyrackError {
  return new KeyrackError('too-large', 'the request body is larger than 64 KiB')
}

function late(): KeyrackError {
  return new KeyrackError('invalid', 'the request body did not arrive in time', { field: 'body' })
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

function decode(bytes: Buffer): string {
  try {
    return UTF8.decode(bytes)
  } catch (cause) {
    throw new KeyrackError('invalid', 'the request body is not valid UTF-8', {
      field: 'body',
      cause,
    })
  }
}
