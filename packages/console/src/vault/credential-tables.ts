import { type Kysely, sql } from 'kysely'
import type { Database } from '../database/schema.ts'

/** A table whose rows are credentials, and what of a row its MAC covers. */
export interface CredentialTable {
  /** The primary key. */
  id: string
  /** What the key is, what it opens and where it is sent; names and the like may change freely. */
  columns: readonly string[]
}

/**
 * Every table that holds credentials for longer than a session (docs/decisions/0007): a new one is
 * one line here. Its rows are written with `writeCredential` and `replaceCredential` only.
 */
export const CREDENTIAL_TABLES = {
  accounts: { id: 'id', columns: ['password_hash'] },
  api_keys: { id: 'account_id', columns: ['hash'] },
  deploy_keys: { id: 'id', columns: ['hash', 'organization_id', 'expires_at'] },
  racks: {
    id: 'id',
    // An address or a pin that somebody else has written would be sent the key.
    columns: [
      'sealed_key',
      'key_version',
      'organization_id',
      'url',
      'pin',
      'local_at',
      'loopback_at',
    ],
  },
} as const satisfies Partial<Record<keyof Database, CredentialTable>>

export type CredentialTableName = keyof typeof CREDENTIAL_TABLES

export const CREDENTIAL_TABLE_NAMES = Object.keys(CREDENTIAL_TABLES) as CredentialTableName[]

/** The covered fields of a row, in the order of the list. */
export type Fields = readonly (string | number | null)[]

/** The fields of one row, or undefined when it is not there. */
export async function fieldsOf(
  db: Kysely<Database>,
  table: CredentialTableName,
  row: string,
): Promise<Fields | undefined> {
  const { id } = CREDENTIAL_TABLES[table]
  const { rows } = await sql<Record<string, string | number | null>>`
    select ${columnsOf(table)} from ${sql.table(table)} where ${sql.ref(id)} = ${row}`.execute(db)
  return rows[0] && fields(table, rows[0])
}

/** The fields of all rows of a table, by row id. */
export async function allFieldsOf(
  db: Kysely<Database>,
  table: CredentialTableName,
): Promise<Map<string, Fields>> {
  const { id } = CREDENTIAL_TABLES[table]
  const { rows } = await sql<Record<string, string | number | null>>`
    select ${sql.ref(id)}, ${columnsOf(table)} from ${sql.table(table)}`.execute(db)
  return new Map(rows.map((row) => [String(row[id]), fields(table, row)]))
}

function columnsOf(table: CredentialTableName) {
  return sql.join(CREDENTIAL_TABLES[table].columns.map((column) => sql.ref(column)))
}

function fields(table: CredentialTableName, row: Record<string, string | number | null>): Fields {
  return CREDENTIAL_TABLES[table].columns.map((column) => row[column] ?? null)
}
