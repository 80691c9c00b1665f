import { createHash } from 'node:crypto'

/**
 * One row of an audit log, as it is stored and as it is exported. Two rows per write: what was going
 * to happen (`started`), and how it ended (`finished`, `unknown` after a crash).
 */
export interface AuditRow {
  id: string
  /** The organization's id, or `server`. */
  chain: string
  /** From 1, without gaps, in each chain. */
  sequence: number
  /** Milliseconds since 1970. */
  at: number
  phase: 'started' | 'finished'
  /** The id of the `started` row: its own for a started row. */
  event_id: string
  actor_id: string | null
  actor_name: string
  action: string
  target: string
  rack_id: string | null
  request_id: string
  address: string
  /** Null in a started row. */
  outcome: 'succeeded' | 'failed' | 'unknown' | null
  status: number | null
  note: string | null
  /** The hash of the row before, or `CHAIN_START`. */
  previous_hash: string
  hash: string
}

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
export function rowHash(row: Omit<AuditRow, 'hash'>): string {
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
  /** Where the chain stops being whole: the first row that should be here and is not as it was. */
  sequence: number
  /**
   * `missing`: the rows from this one up to the next that is there are gone. `reordered`: another row
   * stands here, out of turn or twice. `changed`: the row is not what was hashed. `unlinked`: it was
   * made for another row before it.
   */
  problem: 'missing' | 'reordered' | 'changed' | 'unlinked'
}

/** Where a part of a chain begins: the row before its first one. */
export interface ChainPosition {
  sequence: number
  hash: string
}

export const WHOLE_CHAIN: ChainPosition = { sequence: 0, hash: CHAIN_START }

/**
 * Takes one chain's rows in order and says where it is broken. A cut tail needs an outside head to
 * show: compare `position` with it at the end.
 */
export class ChainVerifier {
  #position: ChainPosition

  constructor(start: ChainPosition = WHOLE_CHAIN) {
    this.#position = start
  }

  /** The last row that was in order. */
  get position(): ChainPosition {
    return this.#position
  }

  /** The problem with this row, after which the verifier stays where it was; or undefined. */
  next(row: AuditRow): ChainProblem | undefined {
    const sequence = this.#position.sequence + 1
    if (row.sequence > sequence) return { sequence, problem: 'missing' }
    if (row.sequence < sequence) return { sequence, problem: 'reordered' }
    if (rowHash(row) !== row.hash) return { sequence, problem: 'changed' }
    if (row.previous_hash !== this.#position.hash) return { sequence, problem: 'unlinked' }
    this.#position = { sequence, hash: row.hash }
    return undefined
  }
}

/** The first problem of a whole chain. */
export function verifyChain(rows: readonly AuditRow[]): ChainProblem | undefined {
  const verifier = new ChainVerifier()
  for (const row of rows) {
    const problem = verifier.next(row)
    if (problem !== undefined) return problem
  }
  return undefined
}
