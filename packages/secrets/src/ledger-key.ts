import { createHmac, randomBytes } from 'node:crypto'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { equalSecrets } from './constant-time.ts'
import { lengthPrefixed } from './length-prefixed.ts'
import type { RandomSource } from './random-source.ts'
import { Secret } from './secret.ts'

const KEY_BYTES = 32
const MODULUS = 1n << 256n

/** One row that the ledger vouches for. */
export interface LedgerEntry {
  table: string
  row: string
  /** The number of the head that was written with it. */
  version: number
  /** From `LedgerKey.macOf`. */
  mac: string
}

/** What stands for all entries at once. */
export interface LedgerHead {
  /** Begins anew when an older state is accepted on purpose: what was written before fits no more. */
  lineage: string
  /** Grows by one with each write, and never repeats within a lineage. */
  number: number
  /** The hidden sum, 64 hexadecimal digits. */
  sum: string
  mac: string
}

/**
 * The key of a ledger of rows: a MAC for each row, and one head over all of them that each write
 * changes in constant time, whatever their order. The head is the multiset hash MSet-Add-Hash (Clarke,
 * Devadas, van Dijk, Gassend and Suh, "Incremental Multiset Hash Functions and Their Application to
 * Memory Integrity Checking", ASIACRYPT 2003): a sum modulo 2^256 of one keyed hash per entry, hidden
 * under a keyed hash of a number that is used once. Summands and sum are secret, because whoever saw
 * them could look for older rows with the same sum (Wagner's generalized birthday attack; with XOR
 * linear algebra is enough). docs/decisions/0007-put-back.md.
 */
export class LedgerKey {
  readonly #key: Uint8Array

  private constructor(key: Uint8Array) {
    this.#key = key
  }

  static create(random: RandomSource = randomBytes): LedgerKey {
    return new LedgerKey(Uint8Array.from(random(KEY_BYTES)))
  }

  /** The reverse of `toSecret`. */
  static fromSecret(secret: Secret): LedgerKey {
    const key = decodeBase64Url(secret.reveal())
    if (key?.length !== KEY_BYTES) throw new TypeError('A ledger key has 32 bytes.')
    return new LedgerKey(key)
  }

  /** To be sealed. */
  toSecret(): Secret {
    return Secret.of(encodeBase64Url(this.#key))
  }

  /** The MAC of a row's place, version and fields, base64url. */
  macOf(
    lineage: string,
    { table, row, version }: Omit<LedgerEntry, 'mac'>,
    fields: readonly (string | number | null)[],
  ): string {
    const marked = fields.map((field) => (field === null ? '' : `=${field}`))
    return this.#hash('row', lineage, table, row, String(version), ...marked).toString('base64url')
  }

  /** Whether an entry's MAC is that of these fields. */
  fits(lineage: string, entry: LedgerEntry, fields: readonly (string | number | null)[]): boolean {
    return equalSecrets(this.macOf(lineage, entry, fields), entry.mac)
  }

  /** What an entry adds to the sum. */
  summand(lineage: string, { table, row, version, mac }: LedgerEntry): bigint {
    return toNumber(this.#hash('summand', lineage, table, row, String(version), mac))
  }

  /** The head of a number, over a sum of summands; subtracted ones may make it negative. */
  head(lineage: string, number: number, sum: bigint): LedgerHead {
    const hidden = wrap(sum + this.#mask(lineage, number))
    const text = hidden.toString(16).padStart(64, '0')
    return { lineage, number, sum: text, mac: this.#headMac(lineage, number, text) }
  }

  /** The sum that a head stands for; undefined for one that this key has not made. */
  sumOf({ lineage, number, sum, mac }: LedgerHead): bigint | undefined {
    if (!equalSecrets(this.#headMac(lineage, number, sum), mac)) return undefined
    return wrap(BigInt(`0x${sum}`) - this.#mask(lineage, number))
  }

  #mask(lineage: string, number: number): bigint {
    return toNumber(this.#hash('mask', lineage, String(number)))
  }

  #headMac(lineage: string, number: number, sum: string): string {
    return this.#hash('head', lineage, String(number), sum).toString('base64url')
  }

  /** The first field keeps the uses of the key apart. */
  #hash(...fields: string[]): Buffer {
    return createHmac('sha256', this.#key)
      .update(lengthPrefixed(...fields))
      .digest()
  }
}

/** Sums of entries are compared after `wrap`, too. */
function wrap(value: bigint): bigint {
  return ((value % MODULUS) + MODULUS) % MODULUS
}

function toNumber(bytes: Buffer): bigint {
  return BigInt(`0x${bytes.toString('hex')}`)
}
