import type { Keyring } from '@keyrack/secrets'
import { keyNeeded, type Store } from '@keyrack/server'
import type { Database } from '../database/schema.ts'
import type { CredentialLedger } from './credential-ledger.ts'
import { CREDENTIAL_TABLES, type CredentialTableName } from './credential-tables.ts'
import { keyUsage } from './key-usage.ts'

/**
 * Refuses to start while a key is missing that anything was sealed with, and names it: better now
 * than at the first request for that Rack. A row that the ledger refuses cannot ask for a key.
 */
export async function requireMasterKeys(
  store: Store<Database>,
  keyring: Keyring,
  ledger: CredentialLedger,
  keyDir: string,
): Promise<void> {
  const usage = await store.read(async (tx) => {
    const { refuses } = await ledger.examine(tx, ledger.seen)
    return keyUsage(
      tx,
      ({ table }, { row }) =>
        !Object.hasOwn(CREDENTIAL_TABLES, table) || !refuses(table as CredentialTableName, row),
    )
  })
  for (const id of usage.keys()) if (keyring.get(id) === undefined) throw keyNeeded(keyDir, id)
}
