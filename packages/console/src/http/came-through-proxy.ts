import type { IncomingMessage } from 'node:http'

/** What reverse proxies and content networks add to what they pass on. */
const ADDED: ReadonlySet<string> = new Set([
  'cdn-loop',
  'fly-client-ip',
  'forwarded',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-real-ip',
])
const ADDED_PREFIXES = ['cf-', 'x-amzn-', 'x-envoy-', 'x-forwarded', 'x-original-']

/**
 * Whether a request shows any sign that somebody passed it on. Only the presence counts: what such a
 * header says is believed from `TRUSTED_PROXIES` alone. nginx as it comes adds none of them, rewrites
 * `Host` and, before 1.29.7, asks in HTTP/1.0, which no browser and no command line does.
 */
export function cameThroughProxy(
  request: Pick<IncomingMessage, 'headers' | 'httpVersionMajor' | 'httpVersionMinor'>,
): boolean {
  if (request.httpVersionMajor === 1 && request.httpVersionMinor === 0) return true
  return Object.keys(request.headers).some(
    (name) => ADDED.has(name) || ADDED_PREFIXES.some((prefix) => name.startsWith(prefix)),
  )
}
