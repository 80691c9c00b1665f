import { createHash } from 'node:crypto'
import type { AuditTable } from '../database/schema.ts'

/** Names the format of what is hashed; a change of the field list needs a new one. */
const FORMAT = 'keyrack-audit-1'

/** What comes before the first row of a chain. */
export const CHAIN_START = '0'.repeat(64)

const FIELDS = [
  'id',
  'chain',
  'sequence',
  'at',
  'phase',
  'event_id',
  'actor_id',
  'actor_name',
  'action',
  'target',
  'rack_id',
  'request_id',
  'address',
  'outcome',
  'status',
  'note',
  'previous_hash',
] as const

/**
 * SHA-256 over the row's fields, each with its length before it, so that no text can move from one
 * field into the next, and with null told apart from an empty text.
 */
export function rowHash(row: Omit<AuditTable, 'hash'>): string {
  const hash = createHash('sha256').update(FORMAT)
  for (const field of FIELDS) {
    const value = row[field]
    if (value === null) {
      hash.update(Uint8Array.of(0))
      continue
    }
    const bytes = Buffer.from(String(value), 'utf8')
    const length = Buffer.alloc(9)
    length.writeUInt8(1)
    length.writeBigUInt64BE(BigInt(bytes.length), 1)
    hash.update(length).update(bytes)
  }
  return hash.digest('hex')
}

export interface ChainProblem {
  sequence: number
  problem: 'missing' | 'unlinked' | 'changed'
}

/** Checks one chain's rows, in order, from its first row on. A cut tail needs an outside head to show. */
export function verifyChain(rows: readonly AuditTable[]): ChainProblem | undefined {
  let previous = CHAIN_START
  for (const [index, row] of rows.entries()) {
    const sequence = index + 1
    if (row.sequence !== sequence) return { sequence, problem: 'missing' }
    if (row.previous_hash !== previous) return { sequence, problem: 'unlinked' }
    if (rowHash(row) !== row.hash) return { sequence, problem: 'changed' }
    previous = row.hash
  }
  return undefined
}
