/**
 * Step 4, CRITICAL: the person's credential goes, the Rack's comes. Headers travel by allow-list,
 * so nothing that a client invents can speak for the Console (CVE-2021-31999, CWE-348).
 */
import { basicHeader, type Route } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'

/** What may travel to every Rack. Option headers come with their route. */
const TRAVELLING: ReadonlySet<string> = new Set([
  'accept',
  'accept-encoding',
  'content-encoding',
  'content-length',
  'content-type',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'range',
  'user-agent',
  'version',
])

const SOCKET_HANDSHAKE: ReadonlySet<string> = new Set([
  'sec-websocket-key',
  'sec-websocket-version',
])

export interface AttachedRequest {
  /** The client's `rawHeaders`: name, value, name, value. */
  rawHeaders: readonly string[]
  route: Route
  rackKey: Secret
  requestId: string
}

/** The headers of the request to the Rack, raw: name, value, name, value. */
export function attachRackKey({
  rawHeaders,
  route,
  rackKey,
  requestId,
}: AttachedRequest): string[] {
  const options = new Set(route.options.map((name) => name.toLowerCase()))
  const named = connectionNamed(rawHeaders)
  const attached: string[] = []
  for (const [name, value] of pairs(rawHeaders)) {
    const lower = name.toLowerCase()
    const travels =
      TRAVELLING.has(lower) ||
      options.has(lower) ||
      (route.socket === true && SOCKET_HANDSHAKE.has(lower))
    if (travels && !named.has(lower)) attached.push(name, value)
  }
  attached.push('Authorization', basicHeader(rackKey).reveal(), 'Request-Id', requestId)
  return attached
}

/** Headers that a `Connection` header declares to be for this hop only (RFC 9110 7.6.1). */
export function connectionNamed(rawHeaders: readonly string[]): Set<string> {
  const named = new Set<string>()
  for (const [name, value] of pairs(rawHeaders)) {
    if (name.toLowerCase() !== 'connection') continue
    for (const token of value.split(',')) named.add(token.trim().toLowerCase())
  }
  return named
}

export function* pairs(rawHeaders: readonly string[]): Generator<[string, string]> {
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    yield [rawHeaders[index] ?? '', rawHeaders[index + 1] ?? '']
  }
}
