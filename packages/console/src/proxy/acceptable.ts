/** What is refused before anybody is asked who it is: requests that two servers may read as two things. */
import type { IncomingMessage } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'
import { hasBody } from './upload-body.ts'

/** Without TRACE, whose answer would show the Rack's key to whoever asks; CONNECT never gets here. */
const METHODS: ReadonlySet<string> = new Set([
  ...['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'],
])

const ONCE: ReadonlySet<string> = new Set([
  ...['authorization', 'content-encoding', 'content-length', 'content-type', 'host', 'rack'],
])

export function refuseUnacceptable(client: IncomingMessage): void {
  if (!METHODS.has(client.method ?? '')) {
    throw new KeyrackError('not-implemented', 'this method is not passed on to Racks')
  }
  refuseDoubled(client.rawHeaders)
  // Other codings would be read here and lost on the way; with a list, servers differ (CWE-444).
  const coding = client.headers['transfer-encoding']
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    throw new KeyrackError('not-implemented', 'the only transfer coding known here is chunked', {
      field: 'Transfer-Encoding',
    })
  }
}

/** The handshake of RFC 6455 4.2.1: what a lenient Rack would take is not ours to pass on. */
export function refuseBadHandshake(client: IncomingMessage): void {
  const { headers, method } = client
  const sound =
    method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    /^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
    headers['sec-websocket-version'] === '13'
  if (!sound) throw new KeyrackError('invalid', 'this is not the handshake of a WebSocket')
  // The Rack would take the first frames for the body, or a body for the first frames.
  if (hasBody(client)) throw new KeyrackError('invalid', 'a WebSocket begins without a body')
}

/** Two of these, and two servers may each believe another one (CWE-444). */
function refuseDoubled(rawHeaders: readonly string[]): void {
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = (rawHeaders[index] ?? '').toLowerCase()
    if (!ONCE.has(name)) continue
    if (seen.has(name)) {
      throw new KeyrackError('invalid', `the header ${name} was sent twice`, { field: name })
    }
    seen.add(name)
  }
}
