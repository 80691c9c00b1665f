import type { LedgerHead } from '@keyrack/secrets'
import type { Kysely } from 'kysely'
import type { Tx } from '../context.ts'
import type { Database } from '../database/schema.ts'

/** Where the key of the ledger is sealed for. */
export const LEDGER_KEY_PLACE = {
  table: 'credential_head',
  row: '1',
  column: 'sealed_mac_key',
  version: 1,
}

export async function readHead(db: Kysely<Database>): Promise<LedgerHead> {
  return db
    .selectFrom('credential_head')
    .select(['lineage', 'number', 'sum', 'mac'])
    .executeTakeFirstOrThrow()
}

export async function writeHead(tx: Tx, head: LedgerHead): Promise<void> {
  await tx
    .updateTable('credential_head')
    .set({ ...head })
    .execute()
}
