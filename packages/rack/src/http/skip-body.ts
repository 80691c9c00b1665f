import type { IncomingMessage } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'

/** Clients send small forms or nothing. */
const BYTES_MAX = 1024 * 1024
const WAIT_MS = 30_000

/**
 * Reads a request's body to its end, so that the connection can carry the next request; `seen` gets
 * what is in it. Bounded in size and time; with an error the connection must be closed.
 */
export async function skipBody(
  request: IncomingMessage,
  seen: (chunk: Buffer) => void = () => {},
): Promise<void> {
  if (request.complete) return
  let bytes = 0
  const timer = setTimeout(() => request.destroy(), WAIT_MS)
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length
      if (bytes > BYTES_MAX) {
        throw new KeyrackError('too-large', 'the request body is larger than 1 MiB')
      }
      seen(chunk)
    }
  } catch (cause) {
    if (cause instanceof KeyrackError) throw cause
    throw new KeyrackError('invalid', 'the request body did not arrive', { cause })
  } finally {
    clearTimeout(timer)
  }
}
