import { createHmac } from 'node:crypto'
import type { Secret } from './secret.ts'
import { utf8 } from './utf8.ts'

/** HMAC-SHA256 of a text under a secret that both sides know, hex (RFC 2104). */
export function messageMac(key: Secret, text: string): string {
  return createHmac('sha256', utf8(key.reveal())).update(utf8(text)).digest('hex')
}
