/**
 * On every answer that is ours. No inline script or style exists, nothing is loaded from anywhere
 * else, nobody may frame us. `same-origin` and not `no-referrer`: the latter turns the `Origin` of
 * our own forms into `null` (Fetch, "append a request Origin header").
 */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Permissions-Policy': 'camera=(), geolocation=(), microphone=()',
  'Referrer-Policy': 'same-origin',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
}

/** What every answer gets unless its route says otherwise: nearly all of them hold a secret or a name. */
export const NO_STORE = 'no-store'
