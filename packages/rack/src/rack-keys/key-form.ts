import { KeyrackError } from '@keyrack/protocol'
import { isSigningPublicKey } from '@keyrack/secrets'
import type { Recovery, Registration } from './console-recovery.ts'
import type { Retire, Stage } from './key-changes.ts'
import { keyHashProblem } from './key-hash-problem.ts'

// The forms of the routes `key.*`. Each field once, none that is not known, and every refusal names
// the field. What is wrong is never repeated: it may be a key that was put into the wrong field.

const ROLL = /^[A-Za-z0-9_-]{8,64}$/
const CONSOLE = /^[A-Za-z0-9_-]{1,64}$/
const PRINTABLE = /^[\x20-\x7e]*$/
const COPY_LENGTH_MAX = 4096

export function readStage(form: URLSearchParams): Stage {
  const field = fieldsOf(form, ['roll', 'hash', 'copy'])
  const stage = { roll: readRoll(field('roll')), hash: readHash('hash', field('hash')) }
  const copy = field('copy') ?? ''
  if (copy.length > COPY_LENGTH_MAX || !PRINTABLE.test(copy)) {
    throw wrong('copy', `at most ${COPY_LENGTH_MAX} printable ASCII characters`)
  }
  return { ...stage, copy }
}

export function readUnstage(form: URLSearchParams): string {
  return readRoll(fieldsOf(form, ['roll'])('roll'))
}

export function readRetire(form: URLSearchParams): Retire {
  const field = fieldsOf(form, ['roll', 'keep', 'drop', 'not_after'])
  const roll = readRoll(field('roll'))
  const keep = readHash('keep', field('keep'))
  const dropped = field('drop')
  const drop = dropped === undefined ? undefined : readHash('drop', dropped)
  if (keep === drop) throw wrong('drop', 'the hash of another key than the one to keep')
  const notAfter = field('not_after') ?? ''
  if (!/^\d{1,15}$/.test(notAfter)) throw wrong('not_after', 'milliseconds since 1970, 0 for now')
  return { roll, keep, drop, notAfter: Number(notAfter) }
}

export function readRegistration(form: URLSearchParams): Registration {
  const field = fieldsOf(form, ['console', 'public_key', 'take_over'])
  const console = field('console') ?? ''
  if (!CONSOLE.test(console)) throw wrong('console', '1 to 64 of A-Z, a-z, 0-9, _ and -')
  const publicKey = field('public_key') ?? ''
  if (!isSigningPublicKey(publicKey)) {
    throw wrong('public_key', 'a raw Ed25519 public key in base64url, 43 characters')
  }
  const takeOver = field('take_over') ?? '0'
  if (takeOver !== '0' && takeOver !== '1') throw wrong('take_over', '0 or 1')
  return { console, publicKey, takeOver: takeOver === '1' }
}

/** Nothing is said about what is wrong with it: anybody may ask. */
export function readRecovery(form: URLSearchParams): Recovery {
  const field = (name: string) => (form.getAll(name).length === 1 ? (form.get(name) ?? '') : '')
  return { console: field('console'), nonce: field('nonce'), signature: field('signature') }
}

function readRoll(text = ''): string {
  if (ROLL.test(text)) return text
  throw wrong('roll', '8 to 64 of A-Z, a-z, 0-9, _ and -')
}

function readHash(field: string, text = ''): string {
  const problem = keyHashProblem(text)
  if (problem === undefined) return text
  throw wrong(field, problem)
}

function fieldsOf<Name extends string>(
  form: URLSearchParams,
  names: readonly Name[],
): (name: Name) => string | undefined {
  const known: readonly string[] = names
  for (const name of new Set(form.keys())) {
    if (!known.includes(name)) {
      const field = name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 60)
      throw new KeyrackError('invalid', `there is no field "${field}" here`, {
        field,
        hint: `there is ${names.join(', ')}`,
      })
    }
    if (form.getAll(name).length > 1) {
      throw new KeyrackError('invalid', `${name} is given twice`, { field: name })
    }
  }
  return (name) => form.get(name) ?? undefined
}

function wrong(field: string, expected: string): KeyrackError {
  return new KeyrackError('invalid', `${field} must be ${expected}`, { field })
}
