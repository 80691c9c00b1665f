import type { LedgerEntry, LedgerKey } from '@keyrack/secrets'
import type { Kysely } from 'kysely'
import type { Database } from '../database/schema.ts'
import {
  allFieldsOf,
  CREDENTIAL_TABLE_NAMES,
  type CredentialTableName,
  type Fields,
} from './credential-tables.ts'
import { readHead } from './ledger-head.ts'

/** What is wrong with a credential's row. */
export type Distrust =
  /** Its row was changed by somebody else than a Console. */
  | 'changed'
  /** No Console has ever written it. */
  | 'unknown'
  /** It is from before a write that this Console has seen. */
  | 'put back'
  /** It was removed by somebody else than a Console. */
  | 'gone'

export interface Finding {
  table: CredentialTableName
  row: string
  problem: Distrust
}

/** A state of the ledger that was seen. */
export interface Seen {
  lineage: string
  number: number
  entries: ReadonlyMap<string, LedgerEntry>
}

export interface Examined extends Seen {
  findings: readonly Finding[]
  /** Why the ledger as a whole is not the newest one, or not ours; undefined when it is. */
  broken: string | undefined
  refuses(table: CredentialTableName, row: string): boolean
}

/** Rows that fitted their MACs before, as they then were: those need no second computation. */
export type FittedRows = Map<string, { text: string; summand: bigint }>

/**
 * Compares every credential with its entry in the ledger, and the ledger with its head. With what
 * was `seen` before, older rows are found one by one; without it, the head alone shows that there
 * are some. `seen` is from before the transaction began, so everything newer has a higher version.
 */
export async function examineCredentials(
  db: Kysely<Database>,
  key: LedgerKey,
  seen: Seen | undefined,
  fitted: FittedRows = new Map(),
): Promise<Examined> {
  const head = await readHead(db)
  const { lineage } = head
  const rows = await db.selectFrom('credential_macs').selectAll().execute()
  const entries = new Map<string, LedgerEntry>()
  let sum = 0n
  for (const { table_name: table, row_id: row, version, mac } of rows) {
    entries.set(placeOf(table, row), { table, row, version, mac })
  }
  const findings: Finding[] = []
  const rest = new Map(entries)
  for (const table of CREDENTIAL_TABLE_NAMES) {
    const stored = await allFieldsOf(db, table)
    for (const [row, fields] of stored) {
      const place = placeOf(table, row)
      const entry = entries.get(place)
      const text = JSON.stringify([lineage, entry?.version, entry?.mac, fields])
      const fits = fitted.get(place)?.text === text
      const problem = fits
        ? olderThanSeen(entry, seen, place)
        : distrust(key, lineage, entry, fields, seen, place)
      if (problem !== undefined) findings.push({ table, row, problem })
      else if (!fits && entry !== undefined) {
        fitted.set(place, { text, summand: key.summand(lineage, entry) })
      }
      if (entry === undefined) continue
      // A summand that is known is of this very entry, because the text holds all of it.
      const known = fitted.get(place)
      sum += known?.text === text ? known.summand : key.summand(lineage, entry)
      rest.delete(place)
    }
  }
  for (const [place, entry] of rest) {
    sum += key.summand(lineage, entry)
    findings.push({ table: entry.table as CredentialTableName, row: entry.row, problem: 'gone' })
    fitted.delete(place)
  }
  const refused = new Set(findings.map(({ table, row }) => placeOf(table, row)))
  return {
    lineage,
    // The number of a head that is not ours says nothing.
    number: key.sumOf(head) === undefined ? (seen?.number ?? 0) : head.number,
    entries,
    findings,
    broken: brokenLedger(key, head, sum, seen),
    refuses: (table, row) => refused.has(placeOf(table, row)),
  }
}

/** What is wrong with one row, or undefined. */
export function distrust(
  key: LedgerKey,
  lineage: string,
  entry: LedgerEntry | undefined,
  fields: Fields,
  seen: Seen | undefined,
  place: string,
): Distrust | undefined {
  if (entry === undefined) return 'unknown'
  if (!key.fits(lineage, entry, fields)) return 'changed'
  return olderThanSeen(entry, seen, place)
}

function olderThanSeen(
  entry: LedgerEntry | undefined,
  seen: Seen | undefined,
  place: string,
): Distrust | undefined {
  if (seen === undefined || entry === undefined) return undefined
  // A row that was not there is newer than all that was seen, or it was removed before.
  const least = seen.entries.get(place)?.version ?? seen.number + 1
  return entry.version < least ? 'put back' : undefined
}

export function placeOf(table: string, row: string): string {
  return `${table}/${row}`
}

function brokenLedger(
  key: LedgerKey,
  head: Parameters<LedgerKey['sumOf']>[0],
  sum: bigint,
  seen: Seen | undefined,
): string | undefined {
  const expected = key.sumOf(head)
  if (expected === undefined) return 'the head of the ledger was changed'
  if (seen !== undefined && head.lineage !== seen.lineage) {
    return 'the ledger was begun anew by another Console; restart this one'
  }
  if (seen !== undefined && head.number < seen.number) {
    return `the database is an older one: its ledger is at ${head.number}, and was at ${seen.number}`
  }
  if (key.sumOf(key.head(head.lineage, head.number, sum)) !== expected) {
    return 'rows of the ledger were put back, added or removed'
  }
  return undefined
}
