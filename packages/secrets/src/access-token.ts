import { createHmac } from 'node:crypto'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { equalSecrets } from './constant-time.ts'
import { Secret } from './secret.ts'
import { mintToken } from './token.ts'
import { utf8 } from './utf8.ts'

/**
 * Access tokens: JWTs (RFC 7519) signed with HMAC-SHA-256, the one algorithm that is ever written or
 * accepted (RFC 8725 3.1), under a key of 256 random bits. Official Racks use the same.
 */
const ALGORITHM = 'HS256'
const HEADER = { alg: ALGORITHM, typ: 'JWT' }
const KEY_BYTES = 32
/** Ours are far shorter; what is longer is refused before any work. */
const LENGTH_MAX = 2048

export type Claims = Readonly<Record<string, unknown>>

export function mintTokenKey(): Secret {
  return mintToken(KEY_BYTES)
}

export function signAccessToken(key: Secret, claims: Claims): Secret {
  const text = `${part(HEADER)}.${part(claims)}`
  return Secret.of(`${text}.${encodeBase64Url(mac(key, text))}`)
}

/** The claims of a token that was signed with that key; undefined for anything else. */
export function openAccessToken(key: Secret, token: Secret): Claims | undefined {
  const text = token.reveal()
  if (text.length > LENGTH_MAX) return undefined
  const [head = '', body = '', signature = '', ...rest] = text.split('.')
  const given = decodeBase64Url(signature)
  if (rest.length > 0 || given === undefined) return undefined
  if (!equalSecrets(mac(key, `${head}.${body}`), given)) return undefined
  const header = read(head)
  // A header that asks for more than this knows must be refused (RFC 7515 4.1.11).
  if (header?.alg !== ALGORITHM || 'crit' in header) return undefined
  return read(body)
}

function mac(key: Secret, text: string): Buffer {
  const bytes = decodeBase64Url(key.reveal())
  if (bytes?.length !== KEY_BYTES) throw new TypeError('This is no key for access tokens.')
  return createHmac('sha256', bytes).update(utf8(text)).digest()
}

function part(value: Claims): string {
  return encodeBase64Url(utf8(JSON.stringify(value)))
}

function read(text: string): Claims | undefined {
  const bytes = decodeBase64Url(text)
  if (bytes === undefined) return undefined
  try {
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    return isClaims(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isClaims(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
