import { hash, randomBytes } from 'node:crypto'
import type { RandomSource } from './random-source.ts'
import { Secret } from './secret.ts'

/**
 * API keys: a prefix that names the kind, 33 random base62 characters (196 bits) and a CRC-32 of
 * everything before it as 6 base62 characters. 44 characters, because official Racks take at most
 * 50; only [A-Za-z0-9_], because official command lines percent-encode the rest. The checksum is no
 * secret: it lets a mistyped or cut key be refused at once, and lets scanners find leaked keys.
 */
export type ApiKeyKind = 'user' | 'deploy' | 'rack'

const PREFIXES: Readonly<Record<ApiKeyKind, string>> = {
  user: 'cvxu_',
  deploy: 'cvxd_',
  rack: 'cvxr_',
}
const KINDS = new Map<string, ApiKeyKind>([
  [PREFIXES.user, 'user'],
  [PREFIXES.deploy, 'deploy'],
  [PREFIXES.rack, 'rack'],
])
const PREFIX_LENGTH = 5
const RANDOM_LENGTH = 33
const CHECKSUM_LENGTH = 6
const KEY_LENGTH = PREFIX_LENGTH + RANDOM_LENGTH + CHECKSUM_LENGTH
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** The largest multiple of 62 that fits in a byte. */
const UNBIASED_LIMIT = 248

export function mintApiKey(kind: ApiKeyKind, random: RandomSource = randomBytes): Secret {
  const body = PREFIXES[kind] + randomBase62(RANDOM_LENGTH, random)
  return Secret.of(body + checksum(body))
}

/**
 * What a text is, without any lookup: one of our keys, something that begins like one but is cut,
 * mistyped or has something stuck to it, or no key of ours at all.
 */
export function inspectApiKey(
  text: string,
): { kind: ApiKeyKind } | { problem: 'not-a-key' | 'checksum' } {
  const kind = KINDS.get(text.slice(0, PREFIX_LENGTH))
  if (kind === undefined) return { problem: 'not-a-key' }
  const end = KEY_LENGTH - CHECKSUM_LENGTH
  const whole = text.length === KEY_LENGTH && checksum(text.slice(0, end)) === text.slice(end)
  return whole && /^\w+$/.test(text) ? { kind } : { problem: 'checksum' }
}

/** A plain hash is enough for a text of 196 random bits (OWASP ASVS 5.0, 6.5.2: from 112 bits). */
export function hashApiKey(key: Secret | string): string {
  return hash('sha256', typeof key === 'string' ? key : key.reveal(), 'hex')
}

/**
 * What people recognise a key by. These are characters of the checksum, so showing them leaves
 * more than 170 bits unknown.
 */
export function lastFour(key: Secret): string {
  return key.reveal().slice(-4)
}

/** `cvxu_…abcd` for one of our keys; a foreign or damaged one may be short, so none of it is shown. */
export function maskApiKey(text: string): string {
  return 'kind' in inspectApiKey(text)
    ? `${text.slice(0, PREFIX_LENGTH)}…${lastFour(Secret.of(text))}`
    : '…'
}

/** Bytes from 248 up are thrown away: `byte % 62` alone would favour the first eight digits. */
function randomBase62(length: number, random: RandomSource): string {
  let text = ''
  while (text.length < length) {
    for (const byte of random(length - text.length)) {
      if (byte < UNBIASED_LIMIT) text += DIGITS.charAt(byte % DIGITS.length)
    }
  }
  return text
}

/** Six digits hold 62^6 values, more than 2^32, so every checksum has exactly one spelling. */
function checksum(text: string): string {
  let rest = crc32(text)
  let digits = ''
  for (let i = 0; i < CHECKSUM_LENGTH; i += 1) {
    digits = DIGITS.charAt(rest % DIGITS.length) + digits
    rest = Math.floor(rest / DIGITS.length)
  }
  return digits
}

/**
 * CRC-32 as in zlib and Ethernet (reversed polynomial EDB88320). It finds every error within 32
 * neighbouring bits, hence every single wrong character. Written here because this file is on the
 * start path of the command line and imports nothing but node:crypto.
 */
function crc32(text: string): number {
  let sum = 0xffffffff
  for (let i = 0; i < text.length; i += 1) {
    sum ^= text.charCodeAt(i) & 0xff
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  return (sum ^ 0xffffffff) >>> 0
}
