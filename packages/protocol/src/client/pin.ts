import { createHash, X509Certificate } from 'node:crypto'
import { KeyrackError } from '../errors.ts'

// After `sha256:` a slash is the first digit of base64, after `sha256//` it is not.
const PREFIX = /^sha-?256(?: fingerprint=|:|\/\/) */i
const HEX = /^(?:[0-9a-f]{64}|[0-9a-f]{2}(?::[0-9a-f]{2}){31})$/i

/**
 * A pin is the SHA-256 of a certificate or of its public key (SPKI), 64 lower-case hex digits.
 * Hex with or without colons and base64 are read, with or without a `sha256:` prefix, also as
 * `openssl x509 -fingerprint` prints it.
 */
export function parsePin(text: string): string {
  const body = text.trim().replace(PREFIX, '')
  if (HEX.test(body)) return body.replaceAll(':', '').toLowerCase()
  if (/^[A-Za-z0-9+/_-]{43}=?$/.test(body)) {
    const bytes = Buffer.from(body, 'base64')
    const canonical = body.replaceAll('-', '+').replaceAll('_', '/').slice(0, 43)
    // 43 characters hold two bits too many; a pin with other ones was copied wrongly.
    if (bytes.toString('base64').startsWith(canonical)) return bytes.toString('hex')
  }
  throw new KeyrackError('invalid', 'this is not a certificate fingerprint', {
    field: 'fingerprint',
    hint: 'give the SHA-256 of the certificate as 64 hex digits, as the server printed it',
  })
}

export interface Fingerprints {
  certificate: string
  key: string
}

/** Both fingerprints of a DER certificate, hex. */
export function fingerprintsOf(rawCertificate: Uint8Array): Fingerprints {
  const spki = new X509Certificate(rawCertificate).publicKey.export({ type: 'spki', format: 'der' })
  return { certificate: sha256Hex(rawCertificate), key: sha256Hex(spki) }
}

/** Whether a certificate is the pinned one or holds the pinned key. Fingerprints are public. */
export function pinMatches(pin: string, rawCertificate: Uint8Array): boolean {
  const { certificate, key } = fingerprintsOf(rawCertificate)
  return pin === certificate || pin === key
}

function sha256Hex(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
