import { hash, verify } from '@node-rs/argon2'
import type { Secret } from './secret.ts'
import { isWellFormed } from './utf8.ts'

/** OWASP Password Storage: Argon2id with at least 19 MiB, two passes, one lane. */
const MEMORY_KIB = 19_456
const PASSES = 2
const LANES = 1
/** `Algorithm.Argon2id` of the library, whose const enum cannot be imported from a module. */
const ARGON2ID = 2

/** Enough for any sentence, little enough that a huge text costs nothing. */
export const MAXIMUM_CODE_POINTS = 1024

/**
 * A stored hash that no password has, with the same costs as a real one: when there is no account,
 * or its hash is damaged, the answer takes as long as for a wrong password (CWE-208, OWASP ASVS 5.0
 * 6.3.8).
 */
const DECOY = `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=${LANES}$${'A'.repeat(22)}$${'A'.repeat(43)}`

/** The PHC text to store. The password must have passed `passwordProblem`. */
export async function hashPassword(password: Secret): Promise<string> {
  const text = normalizePassword(password.reveal())
  if (text === undefined) throw new TypeError('This password cannot be hashed.')
  return hash(text, {
    algorithm: ARGON2ID,
    memoryCost: MEMORY_KIB,
    timeCost: PASSES,
    parallelism: LANES,
  })
}

/** Pass `undefined` when there is no such account: the work is done all the same. */
export async function verifyPassword(phc: string | undefined, password: Secret): Promise<boolean> {
  // Said before the account matters, so it tells nothing about the account.
  const text = normalizePassword(password.reveal())
  if (text === undefined) return false
  const usable = phc !== undefined && isOurs(phc)
  const equal = await verify(usable ? phc : DECOY, text)
  return usable && equal
}

/**
 * NFKC, so that the same characters typed on another keyboard or system give the same bytes (NIST
 * SP 800-63B-4, 3.1.1.2); undefined for a text that cannot be a password. Everything that looks at
 * a password goes through here.
 */
export function normalizePassword(text: string): string | undefined {
  // A code point takes at most two units; the cheap test comes first, before a megabyte is counted.
  if (text.length > 2 * MAXIMUM_CODE_POINTS || [...text].length > MAXIMUM_CODE_POINTS) {
    return undefined
  }
  return isWellFormed(text) ? text.normalize('NFKC') : undefined
}

/**
 * Only what `hashPassword` writes, or a dearer setting of a later version, up to a limit: a changed
 * row must not make the server weak, nor make it reserve gigabytes.
 */
function isOurs(phc: string): boolean {
  const match =
    /^\$argon2id\$v=19\$m=(\d{5,6}),t=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{22})\$([A-Za-z0-9+/]{43})$/.exec(
      phc,
    )
  if (match === null) return false
  const [, memory, passes, lanes, salt = '', digest = ''] = match
  return (
    between(memory, MEMORY_KIB, 262_144) &&
    between(passes, PASSES, 10) &&
    between(lanes, LANES, 4) &&
    isCanonical(salt) &&
    isCanonical(digest)
  )
}

function between(digits: string | undefined, least: number, most: number): boolean {
  const value = Number(digits)
  return value >= least && value <= most
}

/** The unused low bits of the last character are zero. */
function isCanonical(base64: string): boolean {
  return Buffer.from(base64, 'base64').toString('base64').replace(/=+$/, '') === base64
}
