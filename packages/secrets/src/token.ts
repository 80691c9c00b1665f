import { hash, randomBytes } from 'node:crypto'
import { encodeBase64Url } from './base64url.ts'
import type { RandomSource } from './random-source.ts'
import { Secret } from './secret.ts'

/** OWASP ASVS 5.0, 7.2.3 and 11.5.1: at least 128 bits. */
const MINIMUM_BYTES = 16

/** A random text for a session, an invitation or a setup link, in base64url. */
export function mintToken(bytes = 32, random: RandomSource = randomBytes): Secret {
  if (!(bytes >= MINIMUM_BYTES)) throw new TypeError('A token has at least 16 bytes.')
  return Secret.of(encodeBase64Url(random(bytes)))
}

/** How a random token is stored. Never for a password: those go through `hashPassword`. */
export function sha256Hex(text: string | Uint8Array): string {
  return hash('sha256', text, 'hex')
}
