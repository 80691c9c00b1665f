import { createHmac, randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { KEY_BYTES } from './aes-gcm.ts'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { equalSecrets } from './constant-time.ts'
import type { RandomSource } from './random-source.ts'
import { Secret } from './secret.ts'
import { sha256Hex } from './token.ts'

const FORMAT = 'krm1'
const CHECKSUM_LENGTH = 16

/**
 * The key that wraps all data keys. Its id is computed from its bytes, so one id can never stand
 * for two keys: the wrong key file is noticed by its id, before anything is opened with it. The
 * bytes are in a private field: printing, JSON and cloning show the id and the date only.
 */
export class MasterKey {
  readonly id: string
  readonly createdAt: number
  /** The key of a key service that wraps this one in its file; undefined: the file holds it as it is. */
  readonly wrappedBy: string | undefined
  readonly #key: Uint8Array

  constructor(key: Uint8Array, createdAt: number, wrappedBy?: string) {
    if (key.length !== KEY_BYTES) throw new TypeError('A master key has 32 bytes.')
    if (!Number.isSafeInteger(createdAt) || createdAt < 0) {
      throw new TypeError('A master key needs its time of creation in milliseconds.')
    }
    this.#key = Uint8Array.from(key)
    this.createdAt = createdAt
    this.wrappedBy = wrappedBy
    this.id = createHmac('sha256', key).update('keyrack master key id').digest('hex').slice(0, 16)
  }

  /** A copy of the bytes: whoever asks may wipe it. */
  get key(): Uint8Array {
    return Uint8Array.from(this.#key)
  }

  /** `inspect` with getters and hidden properties would read the bytes. */
  [inspect.custom](): string {
    return `[master key ${this.id}]`
  }
}

/** A text that is not, or no longer, a master key. The message never holds any of the text. */
export class MasterKeyError extends Error {
  override readonly name = 'MasterKeyError'
}

export function createMasterKey(
  random: RandomSource = randomBytes,
  now: () => number = Date.now,
): MasterKey {
  return new MasterKey(random(KEY_BYTES), now())
}

/** The line of a key file: format, id, time of creation, key, checksum over all of these. */
export function formatMasterKey(masterKey: MasterKey): Secret {
  const { id, createdAt, key } = masterKey
  const body = `${FORMAT}.${id}.${createdAt}.${encodeBase64Url(key)}`
  return Secret.of(`${body}.${checksum(body)}`)
}

/** Reads what `formatMasterKey` wrote; spaces and a newline around it are an editor's and ignored. */
export function parseMasterKey(text: string): MasterKey {
  const line = text.trim()
  const [format, , createdAt = '', key = ''] = line.split('.')
  if (format !== FORMAT) {
    throw new MasterKeyError(`This is not a master key: its text begins with "${FORMAT}.".`)
  }
  const bytes = decodeBase64Url(key)
  if (bytes?.length === KEY_BYTES && /^\d{1,15}$/.test(createdAt)) {
    // Only the one text this key is written as is accepted: that compares the id and the checksum.
    const masterKey = new MasterKey(bytes, Number(createdAt))
    if (equalSecrets(formatMasterKey(masterKey).reveal(), line)) return masterKey
  }
  throw new MasterKeyError('This master key was cut or changed: its checksum does not match.')
}

function checksum(body: string): string {
  return sha256Hex(body).slice(0, CHECKSUM_LENGTH)
}
