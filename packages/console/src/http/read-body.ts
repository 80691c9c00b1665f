import type { IncomingMessage } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'

export const BODY_BYTES_MAX = 64 * 1024

/**
 * The body of a JSON request or a form, as text. At most 64 KiB are kept, whatever length was told;
 * what is proxied to a Rack is a stream and does not come here.
 */
export async function readBody(incoming: IncomingMessage): Promise<string> {
  return decode(await readBytes(incoming))
}

function readBytes(incoming: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    const take = (chunk: Buffer): void => {
      size += chunk.length
      if (size <= BODY_BYTES_MAX) chunks.push(chunk)
      else refuse()
    }
    const refuse = (): void => {
      // The rest is not read here: the answer goes out and the listener ends the connection.
      incoming.off('data', take).pause()
      reject(new KeyrackError('too-large', 'the request body is larger than 64 KiB'))
    }
    if (Number(incoming.headers['content-length'] ?? 0) > BODY_BYTES_MAX) {
      refuse()
      return
    }
    incoming.on('data', take)
    incoming.once('end', () => resolve(Buffer.concat(chunks)))
    incoming.once('error', (cause) => {
      reject(new KeyrackError('invalid', 'the request body ended early', { field: 'body', cause }))
    })
  })
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
