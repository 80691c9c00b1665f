import type { IncomingMessage } from 'node:http'
import { KeyrackError } from '@keyrack/protocol'

export interface OriginFacts {
  /** The `Host` header, already on the allow-list. */
  host: string
  /** True when the browser saw https. */
  secure: boolean
}

const OWN_SITES: ReadonlySet<string> = new Set(['same-origin', 'none'])

/**
 * True when the request was made by a page of another origin. Browsers say so themselves: `Origin`
 * on every write and every WebSocket, `Sec-Fetch-Site` on everything. A sibling host counts as
 * another origin although its cookies are "same-site". Official CLIs send our own origin in their
 * WebSocket handshake and nothing elsewhere (protocol.md 7.1).
 */
export function isForeign(headers: IncomingMessage['headers'], facts: OriginFacts): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined && !OWN_SITES.has(String(site))) return true
  return headers.origin !== undefined && !isOwnOrigin(headers.origin, facts)
}

/** Throws unless a write that a cookie authorises, or that makes one, comes from our own pages. */
export function requireOwnOrigin(headers: IncomingMessage['headers'], facts: OriginFacts): void {
  if (isForeign(headers, facts)) throw foreignOrigin()
  // A JSON write cannot be sent across origins without a preflight, which we never grant, so its
  // content type is proof enough. A form can, so it has to show where it came from.
  const shown = headers.origin !== undefined || headers['sec-fetch-site'] !== undefined
  if (!shown && !isJson(headers['content-type'])) throw foreignOrigin(AS_JSON)
}

const AS_JSON =
  'open the Console itself, or send JSON with the header Content-Type: application/json'

export function foreignOrigin(hint = 'open the Console itself and try again there'): KeyrackError {
  return new KeyrackError('forbidden', 'this request did not come from a page of this Console', {
    hint,
  })
}

export function isJson(contentType: string | undefined): boolean {
  return contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'
}

function isOwnOrigin(origin: string, facts: OriginFacts): boolean {
  try {
    const { protocol, host } = new URL(origin)
    if (protocol !== 'https:' && (protocol !== 'http:' || facts.secure)) return false
    // Parsed with the origin's scheme, so that `:443` and no port at all are the same.
    return host === new URL(`${protocol}//${facts.host}`).host
  } catch {
    return false
  }
}
