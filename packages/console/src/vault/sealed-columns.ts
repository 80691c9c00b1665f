import type { SealContext } from '@keyrack/secrets'
import { CANARY_PLACE } from '@keyrack/server'
import { type Kysely, sql } from 'kysely'
import { copyContext } from '../api-keys/key-roll.ts'
import type { Database } from '../database/schema.ts'
import { rackKeyContext } from '../racks/open-rack-key.ts'
import { LEDGER_KEY_PLACE } from './ledger-head.ts'

export type SealedValues = Record<string, string | number | null>

/** A column whose values are sealed under the master key. */
export interface SealedColumn {
  table: string
  column: string
  /** The primary key. */
  key: readonly string[]
  /** What else of the row `context` needs. */
  reads: readonly string[]
  /** What the value is bound to, the same as where it is sealed and opened. */
  context(row: SealedValues): SealContext
}

const rackKey = (rack: string, version: string) => (row: SealedValues) =>
  rackKeyContext(String(row[rack]), Number(row[version]))

/**
 * Every sealed column of the database. What is missing here would be lost when its master key is
 * retired, so a test compares this list with the schema: a new one is one line.
 */
export const SEALED_COLUMNS: readonly SealedColumn[] = [
  { table: 'canary', column: 'sealed', key: ['id'], reads: [], context: () => CANARY_PLACE },
  {
    table: 'credential_head',
    column: 'sealed_mac_key',
    key: ['id'],
    reads: [],
    context: () => LEDGER_KEY_PLACE,
  },
  {
    table: 'racks',
    column: 'sealed_key',
    key: ['id'],
    reads: ['key_version'],
    context: rackKey('id', 'key_version'),
  },
  {
    table: 'rack_rolls',
    column: 'sealed_new_key',
    key: ['id'],
    reads: ['rack_id', 'new_version'],
    context: rackKey('rack_id', 'new_version'),
  },
  {
    table: 'previous_rack_keys',
    column: 'sealed_key',
    key: ['rack_id', 'key_version'],
    reads: [],
    context: rackKey('rack_id', 'key_version'),
  },
  {
    table: 'api_key_rolls',
    column: 'sealed_key',
    key: ['account_id', 'roll'],
    reads: ['version'],
    context: ({ account_id: id, version }) => copyContext(String(id), Number(version)),
  },
  {
    table: 'console_identity',
    column: 'sealed_private_key',
    key: ['id'],
    reads: ['console_id'],
    context: ({ console_id: id }) => ({
      table: 'console_identity',
      row: String(id),
      column: 'sealed_private_key',
      version: 1,
    }),
  },
]

export interface SealedValue {
  /** For people and for the ledger: the primary key, joined by slashes. */
  row: string
  /** The values of the primary key, to go on behind this row. */
  key: (string | number | null)[]
  sealed: string
  context: SealContext
}

/** Values in the order of the primary key, those after `after` and not sealed with `except`. */
export async function readSealed(
  db: Kysely<Database>,
  { table, column, key, reads, context }: SealedColumn,
  {
    after,
    except,
    limit,
  }: { after?: SealedValue | undefined; except?: string; limit?: number } = {},
): Promise<SealedValue[]> {
  const names = key.map((name) => sql.ref(name))
  const columns = [...new Set([...key, column, ...reads])].map((name) => sql.ref(name))
  const behind =
    after === undefined
      ? sql``
      : sql`and (${sql.join(names)}) > (${sql.join(after.key.map((value) => sql.val(value)))})`
  const others =
    except === undefined ? sql`` : sql`and ${sql.ref(column)} not like ${`krs1.${except}.%`}`
  const first = limit === undefined ? sql`` : sql`limit ${sql.lit(limit)}`
  const { rows } = await sql<SealedValues>`
    select ${sql.join(columns)} from ${sql.table(table)}
    where ${sql.ref(column)} is not null ${behind} ${others}
    order by ${sql.join(names)} ${first}`.execute(db)
  return rows.map((row) => {
    const values = key.map((name) => row[name] ?? null)
    return {
      row: values.join('/'),
      key: values,
      sealed: String(row[column]),
      context: context(row),
    }
  })
}

/** Writes a value sealed anew, if it is still the one that was read. */
export async function writeSealed(
  db: Kysely<Database>,
  { table, column, key }: SealedColumn,
  { key: values, sealed: before }: SealedValue,
  sealed: string,
): Promise<void> {
  const same = key.map((name, index) => sql`${sql.ref(name)} = ${values[index]}`)
  await sql`
    update ${sql.table(table)} set ${sql.ref(column)} = ${sealed}
    where ${sql.join(same, sql` and `)} and ${sql.ref(column)} = ${before}`.execute(db)
}
