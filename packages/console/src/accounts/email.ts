import { domainToASCII, domainToUnicode } from 'node:url'
import { KeyrackError } from '@keyrack/protocol'

/** RFC 5321 4.5.3.1.3: a path of 256 octets, two of which are the angle brackets. */
const BYTES_MAX = 254

/** Control, format (zero-width, bidirectional), unassigned, spaces, and other invisible characters. */
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/u

/**
 * One spelling per address, so that uniqueness and look-up agree: what people see as the same
 * address (full-width letters, capitals) is the same account, and so is what leads to the same host.
 */
export function comparableEmail(text: string): string {
  const email = asTyped(text)
  const at = email.lastIndexOf('@')
  return email.slice(0, at + 1) + readableHost(email.slice(at + 1))
}

/**
 * All under which an account may be stored, the one that was typed first: before hosts were made
 * comparable, each spelling of one was an address of its own.
 */
export function emailSpellings(text: string): string[] {
  const email = comparableEmail(text)
  const at = email.lastIndexOf('@')
  const ascii = email.slice(0, at + 1) + domainToASCII(email.slice(at + 1))
  return [...new Set([asTyped(text), email, ascii])]
}

function asTyped(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase().normalize('NFKC')
}

/** The Unicode form of an internationalised name (UTS 46); any other is left as it is. */
function readableHost(host: string): string {
  if (!/[^\0-\x7f]|xn--/.test(host)) return host
  const ascii = domainToASCII(host)
  // What is no name may be an address that somebody has already.
  return ascii === '' ? host : domainToUnicode(ascii)
}

/** The address an account is known by, or an error naming the field. */
export function parseEmail(text: string): string {
  // Checked first, so that nobody makes us normalise a megabyte.
  if (Buffer.byteLength(text) > 4 * BYTES_MAX) throw invalid('is too long')
  const email = comparableEmail(text)
  if (email === '') throw invalid('is missing')
  if (Buffer.byteLength(email) > BYTES_MAX) throw invalid('is too long')
  if (UNSEEN.test(email)) throw invalid('holds a space or a character that cannot be seen')
  const [local, host, ...rest] = email.split('@')
  if (!local || !host || rest.length > 0) {
    throw invalid('needs one @ with something on both sides')
  }
  return email
}

function invalid(problem: string): KeyrackError {
  return new KeyrackError('invalid', `the e-mail address ${problem}`, {
    field: 'email',
    hint: 'give it as in ada@example.com',
  })
}
