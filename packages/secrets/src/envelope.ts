import { randomBytes } from 'node:crypto'
import { decrypt, encrypt, KEY_BYTES, NONCE_BYTES } from './aes-gcm.ts'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import type { Keyring } from './keyring.ts'
import { lengthPrefixed } from './length-prefixed.ts'
import type { RandomSource } from './random-source.ts'
import { Secret } from './secret.ts'
import { utf8 } from './utf8.ts'

/**
 * Sealed values: `krs1.<master key id>.<wrap nonce>.<wrapped data key>.<nonce>.<ciphertext>`.
 *
 * Each value is encrypted with a data key of its own, which the master key wraps, both with
 * AES-256-GCM. Both are bound to the format, the master key id and the place (table, row, column,
 * version), so a value moved to another row or put back from an older version does not open, and
 * somebody who learns one data key cannot use its wrapping anywhere else. The value is also bound
 * to its wrapping, so the two halves of different envelopes cannot be joined. Nonces need no
 * binding: a changed nonce changes the tag. As the master key only ever encrypts random data keys
 * under random 96-bit nonces, it may wrap 2^32 of them (NIST SP 800-38D, 8.3).
 */
export interface SealContext {
  table: string
  row: string
  column: string
  /** Grows with every write of the row, so that an older sealed text does not open any more. */
  version: number
}

/** Why a sealed text did not open. The message never holds any of the text, sealed or open. */
export class SealError extends Error {
  override readonly name = 'SealError'
  readonly code: 'unknown-key' | 'damaged'
  /** The master key the text asks for; absent when it is no sealed text at all. */
  readonly keyId: string | undefined

  constructor(code: 'unknown-key' | 'damaged', message: string, keyId?: string) {
    super(message)
    this.code = code
    this.keyId = keyId
  }
}

const FORMAT = 'krs1'
const WRAPPED_BYTES = KEY_BYTES + 16
const MINIMUM_CIPHERTEXT_BYTES = 16

interface Envelope {
  keyId: string
  wrapNonce: Buffer
  wrapped: Buffer
  nonce: Buffer
  ciphertext: Buffer
}

export function seal(
  keyring: Keyring,
  value: Secret,
  context: SealContext,
  random: RandomSource = randomBytes,
): string {
  const { id, key: masterKey } = keyring.current
  const plaintext = utf8(value.reveal())
  const place = placeOf(context, id)
  const dataKey = random(KEY_BYTES)
  const wrapNonce = random(NONCE_BYTES)
  const nonce = random(NONCE_BYTES)
  try {
    const wrapped = encrypt(masterKey, wrapNonce, dataKey, wrapData(place))
    const ciphertext = encrypt(dataKey, nonce, plaintext, valueData(place, wrapped))
    const parts = [wrapNonce, wrapped, nonce, ciphertext].map(encodeBase64Url)
    return [FORMAT, id, ...parts].join('.')
  } finally {
    wipe(masterKey, dataKey, plaintext)
  }
}

/** Opens with the master key the text names and with no other, never by trial. */
export function open(keyring: Keyring, sealed: string, context: SealContext): Secret {
  const { keyId, wrapNonce, wrapped, nonce, ciphertext } = parse(sealed)
  const place = placeOf(context, keyId)
  const masterKey = keyring.get(keyId)?.key
  if (masterKey === undefined) {
    throw new SealError(
      'unknown-key',
      `The value of ${nameOf(context)} was sealed with master key ${keyId}, which is not loaded.`,
      keyId,
    )
  }
  const dataKey = decrypt(masterKey, wrapNonce, wrapped, wrapData(place))
  wipe(masterKey)
  const plaintext = dataKey && decrypt(dataKey, nonce, ciphertext, valueData(place, wrapped))
  if (plaintext === undefined) {
    throw new SealError(
      'damaged',
      `The sealed value of ${nameOf(context)} does not open with master key ${keyId}: ` +
        'it was changed, or belongs to another row, column or version.',
      keyId,
    )
  }
  const value = Secret.of(plaintext.toString('utf8'))
  wipe(dataKey, plaintext)
  return value
}

/** The id of the master key a text was sealed with. */
export function sealedWith(sealed: string): string {
  return parse(sealed).keyId
}

function parse(sealed: string): Envelope {
  const [format, keyId = '', ...parts] = sealed.split('.')
  const [wrapNonce, wrapped, nonce, ciphertext] = parts.map(decodeBase64Url)
  if (
    format !== FORMAT ||
    !/^[0-9a-f]{16}$/.test(keyId) ||
    parts.length !== 4 ||
    wrapNonce?.length !== NONCE_BYTES ||
    wrapped?.length !== WRAPPED_BYTES ||
    nonce?.length !== NONCE_BYTES ||
    ciphertext === undefined ||
    ciphertext.length < MINIMUM_CIPHERTEXT_BYTES
  ) {
    throw new SealError('damaged', `This is not a sealed value of format ${FORMAT}.`)
  }
  return { keyId, wrapNonce, wrapped, nonce, ciphertext }
}

function placeOf(context: SealContext, keyId: string): string[] {
  const { table, row, column, version } = context
  if (table === '' || row === '' || column === '') {
    throw new TypeError('A sealed value belongs to a table, a row and a column.')
  }
  if (!Number.isSafeInteger(version) || version < 0) {
    throw new TypeError('A sealed value has a whole, positive version.')
  }
  return [FORMAT, keyId, table, row, column, String(version)]
}

/** The first field keeps the two uses of additional data apart. */
function wrapData(place: string[]): Buffer {
  return lengthPrefixed('data key', ...place)
}

function valueData(place: string[], wrapped: Uint8Array): Buffer {
  return lengthPrefixed('value', ...place, wrapped)
}

function nameOf({ table, row, column, version }: SealContext): string {
  return `${table}.${column} (row ${row}, version ${version})`
}

/** Strings cannot be wiped, but keys need not stay in memory after the call that used them. */
function wipe(...buffers: (Uint8Array | undefined)[]): void {
  for (const buffer of buffers) buffer?.fill(0)
}
