import type { Tx } from '../context.ts'
import type { CredentialLedger } from './credential-ledger.ts'
import type { CredentialTableName } from './credential-tables.ts'

const ledgers = new WeakMap<Tx, CredentialLedger>()

/** For `commit` alone: credentials can be written in this transaction. */
export function keepLedger(tx: Tx, ledger: CredentialLedger): void {
  ledgers.set(tx, ledger)
}

/**
 * The one door for writes of a credential's row (`credential-tables.ts`): inserts, and updates that
 * leave a part of the row as it was. Refused when that row was changed by somebody else before,
 * because the ledger would then vouch for the part that stays.
 */
export async function writeCredential<T>(
  tx: Tx,
  table: CredentialTableName,
  row: string,
  change: () => Promise<T>,
): Promise<T> {
  const ledger = ledgerOf(tx)
  await ledger.check(tx, table, row)
  return ledger.vouch(tx, table, row, change)
}

/** As above for a change that leaves nothing of what the ledger covers: a new key, a removal. */
export async function replaceCredential<T>(
  tx: Tx,
  table: CredentialTableName,
  row: string,
  change: () => Promise<T>,
): Promise<T> {
  return ledgerOf(tx).vouch(tx, table, row, change)
}

function ledgerOf(tx: Tx): CredentialLedger {
  const ledger = ledgers.get(tx)
  if (ledger === undefined) throw new TypeError('credentials are written inside of commit')
  return ledger
}
