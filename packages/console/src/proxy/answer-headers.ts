/** What of a Rack's answer reaches the client. */
import { KEY_GENERATION_HEADER } from '@keyrack/protocol'
import { connectionNamed, pairs } from './attach-rack-key.ts'

/** For one hop only (RFC 9110 7.6.1), or meant for the Console alone, or able to act on its origin. */
const STAYS: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  // A Rack's challenge is about the Rack's key, which is the Console's affair.
  'www-authenticate',
  'authentication-info',
  // A Rack shares the Console's origin while proxied and must not set its state.
  'set-cookie',
  'alt-svc',
  'clear-site-data',
  'strict-transport-security',
  'access-control-allow-origin',
  'access-control-allow-credentials',
  'nel',
  'report-to',
  'reporting-endpoints',
  'refresh',
  'service-worker-allowed',
  // Orders to a web server in front of us: which of its files or internal places to serve.
  'x-accel-redirect',
  'x-sendfile',
  // One path means another thing for each Rack and each person: nobody may keep an answer.
  'cache-control',
  'cdn-cache-control',
  'surrogate-control',
  'expires',
  // For the Console alone.
  KEY_GENERATION_HEADER,
  // The Console's own.
  'request-id',
  'content-security-policy',
  'x-content-type-options',
])

/** The answer's headers for the client, raw: name, value, name, value. */
export function answerHeaders(rawHeaders: readonly string[], requestId: string): string[] {
  const named = connectionNamed(rawHeaders)
  const kept: string[] = []
  for (const [name, value] of pairs(rawHeaders)) {
    const lower = name.toLowerCase()
    if (!STAYS.has(lower) && !named.has(lower)) kept.push(name, value)
  }
  kept.push('Request-Id', requestId)
  kept.push('Cache-Control', 'no-store')
  // Whatever a Rack answers, a browser must not run it in the Console's origin.
  kept.push('Content-Security-Policy', "sandbox; default-src 'none'")
  kept.push('X-Content-Type-Options', 'nosniff')
  return kept
}

/** How many keys the Rack says it has had; official Racks say nothing. */
export function keyGeneration(rawHeaders: readonly string[]): number | undefined {
  for (const [name, value] of pairs(rawHeaders)) {
    if (name.toLowerCase() === KEY_GENERATION_HEADER && /^\d{1,9}$/.test(value))
      return Number(value)
  }
  return undefined
}
