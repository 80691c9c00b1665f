/** A client's body on its way to the Rack. */
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
}

/**
 * The body as a stream of its own. When the Rack answers before it has everything, or breaks off,
 * what still comes is read and dropped: destroying the request itself would reset the connection on
 * which the client is about to read the answer.
 */
export function uploadBody(client: IncomingMessage): Readable {
  return Readable.from(chunksOf(client))
}

async function* chunksOf(client: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* client.iterator({ destroyOnReturn: false })
  } finally {
    client.resume()
  }
}
