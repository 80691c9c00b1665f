import { KeyrackError } from '@keyrack/protocol'
import type { LedgerEntry, LedgerHead, LedgerKey } from '@keyrack/secrets'
import type { Logger } from '@keyrack/server'
import type { Kysely } from 'kysely'
import type { Tx } from '../context.ts'
import type { Database } from '../database/schema.ts'
import { raiseAnchor } from './anchor-file.ts'
import { type CredentialTableName, fieldsOf } from './credential-tables.ts'
import {
  distrust,
  type Examined,
  examineCredentials,
  type FittedRows,
  placeOf,
  type Seen,
} from './examine-credentials.ts'
import { readHead, writeHead } from './ledger-head.ts'

export interface LedgerOptions {
  key: LedgerKey
  anchorFile: string
  log: Logger
}

/**
 * Knows which credentials of the database were written by a Console, and that none was put back
 * (design 2, docs/decisions/0007). Every write of a credential changes the row's entry and the head
 * in the same transaction; every load of the directory compares them.
 */
export class CredentialLedger {
  readonly #key: LedgerKey
  readonly #anchorFile: string
  readonly #log: Logger
  #seen: Seen | undefined
  readonly #fitted: FittedRows = new Map()
  #told: ReadonlySet<string> = new Set()

  constructor({ key, anchorFile, log }: LedgerOptions) {
    this.#key = key
    this.#anchorFile = anchorFile
    this.#log = log
  }

  /** To be taken before the transaction begins that `examine` is called in. */
  get seen(): Seen | undefined {
    return this.#seen
  }

  examine(db: Kysely<Database>, seen: Seen | undefined): Promise<Examined> {
    return examineCredentials(db, this.#key, seen, this.#fitted)
  }

  /** What was examined is durable now: nothing older is believed any more, also after a restart. */
  adopt(examined: Examined): void {
    this.#tell(examined)
    const seen = this.#seen
    const { lineage, number } = examined
    if (seen !== undefined && (lineage !== seen.lineage || number <= seen.number)) return
    this.#seen = { lineage, number, entries: believed(examined, seen) }
    try {
      raiseAnchor(this.#anchorFile, { lineage, number })
    } catch (error) {
      // The write itself is durable. Until the next one an older database would be believed.
      this.#log.error({ err: error }, 'the anchor file could not be written')
    }
  }

  /** Throws unless the row is as a Console has written it last. */
  async check(db: Kysely<Database>, table: CredentialTableName, row: string): Promise<void> {
    const fields = await fieldsOf(db, table, row)
    if (fields === undefined) return
    const { lineage } = await readHead(db)
    const entry = await entryOf(db, table, row)
    const place = placeOf(table, row)
    const problem = distrust(this.#key, lineage, entry, fields, this.#seen, place)
    if (problem !== undefined) throw distrusted(place, problem)
  }

  /**
   * Runs a change of one row and vouches for what it left there, also for nothing. A row that it left
   * as it was is vouched for by nobody: somebody else may have written it.
   */
  async vouch<T>(
    tx: Tx,
    table: CredentialTableName,
    row: string,
    change: () => Promise<T>,
  ): Promise<T> {
    const head = await readHead(tx)
    const sum = this.#sumOf(head)
    const { lineage } = head
    const before = await entryOf(tx, table, row)
    const was = await fieldsOf(tx, table, row)
    const result = await change()
    const fields = await fieldsOf(tx, table, row)
    if (was !== undefined && JSON.stringify(was) === JSON.stringify(fields)) return result
    const number = head.number + 1
    let next = sum - (before === undefined ? 0n : this.#key.summand(lineage, before))
    await tx
      .deleteFrom('credential_macs')
      .where('table_name', '=', table)
      .where('row_id', '=', row)
      .execute()
    if (fields !== undefined) {
      const place = { table, row, version: number }
      const entry = { ...place, mac: this.#key.macOf(lineage, place, fields) }
      next += this.#key.summand(lineage, entry)
      await tx
        .insertInto('credential_macs')
        .values({ table_name: table, row_id: row, version: number, mac: entry.mac })
        .execute()
    }
    await writeHead(tx, this.#key.head(lineage, number, next))
    return result
  }

  #sumOf(head: LedgerHead): bigint {
    const sum = this.#key.sumOf(head)
    const older = this.#seen !== undefined && head.number < this.#seen.number
    if (sum !== undefined && !older && head.lineage === (this.#seen?.lineage ?? head.lineage)) {
      return sum
    }
    throw new KeyrackError('not-ready', 'the database was changed or put back by somebody else', {
      hint: 'no key is written to it; the operator of the server runs: keyrack-console keys verify',
    })
  }

  /** Once for each thing that is wrong. */
  #tell({ findings, broken }: Examined): void {
    const told = new Set<string>()
    const tell = (key: string, say: () => void): void => {
      told.add(key)
      if (!this.#told.has(key)) say()
    }
    for (const { table, row, problem } of findings) {
      tell(`${table}/${row} ${problem}`, () =>
        this.#log.error({ table, row, problem }, 'a stored credential is refused: see keys verify'),
      )
    }
    if (broken !== undefined)
      tell(broken, () =>
        this.#log.error(
          { broken },
          'the stored credentials are not what was written last: see keys verify',
        ),
      )
    this.#told = told
  }
}

/** In a ledger that does not add up, what is refused stays as it was seen before. */
function believed(
  { broken, entries, findings }: Examined,
  seen: Seen | undefined,
): ReadonlyMap<string, LedgerEntry> {
  if (broken === undefined || seen === undefined) return entries
  const kept = new Map(entries)
  for (const { table, row } of findings) {
    const place = placeOf(table, row)
    const known = seen.entries.get(place)
    if (known === undefined) kept.delete(place)
    else kept.set(place, known)
  }
  return kept
}

function distrusted(place: string, problem: string): KeyrackError {
  return new KeyrackError(
    'not-ready',
    'the stored record of this credential was changed by somebody else, so it is not used',
    {
      hint: 'the operator of the server sees more with: keyrack-console keys verify',
      cause: new Error(`${place}: ${problem}`),
    },
  )
}

async function entryOf(
  db: Kysely<Database>,
  table: string,
  row: string,
): Promise<LedgerEntry | undefined> {
  const found = await db
    .selectFrom('credential_macs')
    .where('table_name', '=', table)
    .where('row_id', '=', row)
    .select(['version', 'mac'])
    .executeTakeFirst()
  return found && { table, row, ...found }
}
