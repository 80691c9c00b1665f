/**
 * CRITICAL: who may speak to this Rack. Fails closed: with no live key stored nothing is accepted
 * (official Racks open up when their password is empty; security.md 1, C6).
 */
import { KeyrackError, parseBasic } from '@keyrack/protocol'
import { equalSecrets, hashApiKey, inspectApiKey, type Secret, sha256Hex } from '@keyrack/secrets'
import type { KeyThrottle } from '@keyrack/server'
import type { TokenHolder } from '../access-tokens/access-tokens.ts'
import type { LiveKey } from './key-table.ts'

/** Which key or token authenticated a request; neither goes further than this file. */
export type Authenticated = { keyId: string } | TokenHolder

/** What is known of the keys, in memory. */
export interface KnownKeys {
  live(): readonly Pick<LiveKey, 'id' | 'hash'>[]
  isTombstone(hash: string): boolean
}

export interface Authentication {
  keys: KnownKeys
  tokens: { check(token: Secret): TokenHolder | undefined }
  throttle: KeyThrottle
}

/** The text that official Racks answer and clients show (protocol.md 1.6). */
const REFUSED = 'invalid authentication'
const TOKEN_USER = 'jwt'

/**
 * Checks the `Authorization` header of one request. Throws `unauthenticated`, or `throttled` for a
 * wrong key from an address that has tried many different ones; a valid key is never delayed.
 */
export function authenticate(
  { keys, tokens, throttle }: Authentication,
  header: string | undefined,
  address: string,
): Authenticated {
  const credential = parseBasic(header)
  // Nothing readable was presented, so nothing was guessed.
  if (credential === undefined) throw refused()
  const [presented] = credential.candidates
  // Access tokens come with this user; a password under this name must not pass for one.
  if (credential.user === TOKEN_USER) {
    const holder = presented && tokens.check(presented)
    if (holder !== undefined) return holder
    throw refusedGuess(throttle, address, presented, `${REFUSED}: signature is invalid`)
  }

  for (const candidate of credential.candidates) {
    const key = findKey(keys.live(), candidate)
    if (key !== undefined) return { keyId: key.id }
  }

  // Who still has a key that was rolled guesses nothing; a plain answer says so at once, always.
  if (credential.candidates.some((candidate) => keys.isTombstone(hashApiKey(candidate)))) {
    throw refused()
  }
  throw refusedGuess(throttle, address, presented, REFUSED)
}

/** The key that asks, for handlers of what only a key may do. */
export function askingKey(asker: Authenticated | undefined): string {
  if (asker === undefined || !('keyId' in asker)) throw refused()
  return asker.keyId
}

function refusedGuess(
  throttle: KeyThrottle,
  address: string,
  presented: Secret | undefined,
  text: string,
): KeyrackError {
  const waitSeconds = throttle.failed(address, sha256Hex(presented?.reveal() ?? ''))
  if (waitSeconds === undefined) return new KeyrackError('unauthenticated', text)
  return new KeyrackError('throttled', 'too many different keys were tried from this address', {
    hint: `wait ${waitSeconds} s, or use the key that this Rack was given`,
    retryAfterSeconds: waitSeconds,
  })
}

function refused(): KeyrackError {
  return new KeyrackError('unauthenticated', REFUSED)
}

function findKey<Key extends { hash: string }>(
  live: readonly Key[],
  candidate: Secret,
): Key | undefined {
  const form = inspectApiKey(candidate.reveal())
  // One of our keys with a wrong checksum, or a person's key: refused before any comparison.
  if ('problem' in form ? form.problem === 'checksum' : form.kind !== 'rack') return undefined
  const hash = hashApiKey(candidate)
  let found: Key | undefined
  // Every live hash is compared, so the time does not tell which one matched.
  for (const key of live) if (equalSecrets(key.hash, hash)) found = key
  return found
}
