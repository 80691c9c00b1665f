import { KeyrackError } from '@keyrack/protocol'
import { type Keyring, LedgerKey, open, SealError, type Secret, seal } from '@keyrack/secrets'
import { keyNeeded, type Logger, type Store } from '@keyrack/server'
import type { Tx } from '../context.ts'
import type { Database } from '../database/schema.ts'
import { newId } from '../new-id.ts'
import { type Anchor, readAnchor } from './anchor-file.ts'
import { CredentialLedger } from './credential-ledger.ts'
import { allFieldsOf, CREDENTIAL_TABLE_NAMES } from './credential-tables.ts'
import type { Examined } from './examine-credentials.ts'
import { LEDGER_KEY_PLACE } from './ledger-head.ts'

export interface LedgerFiles {
  keyDir: string
  anchorFile: string
}

/**
 * The ledger of a database, begun where there is none. Throws when the database is not the newest
 * one that this Console has seen.
 */
export async function openLedger(
  store: Store<Database>,
  keyring: Keyring,
  files: LedgerFiles,
  log: Logger,
): Promise<CredentialLedger> {
  // First, because a Console that shares the file raises it only after its commit.
  const anchor = readAnchor(files.anchorFile)
  const key = await ledgerKey(store, keyring, files, anchor)
  const ledger = new CredentialLedger({ key, anchorFile: files.anchorFile, log })
  const examined = await store.read((tx) => ledger.examine(tx, undefined))
  const problem = rollbackOf(examined, anchor)
  if (problem !== undefined) throw notTheNewest(problem)
  ledger.adopt(examined)
  return ledger
}

/** Why an examined database is not the newest that an anchor knows of, or undefined. */
export function rollbackOf(examined: Examined, anchor: Anchor | undefined): string | undefined {
  if (examined.broken !== undefined || anchor === undefined) return examined.broken
  if (examined.lineage !== anchor.lineage) {
    return 'it is another one than ANCHOR_FILE knows, or it was restored on another Console'
  }
  if (examined.number >= anchor.number) return undefined
  return `its ledger is at ${examined.number}, and was at ${anchor.number}`
}

/** Opens the key of the ledger; makes it, and vouches for what is there, where none was ever made. */
export async function ledgerKey(
  store: Store<Database>,
  keyring: Keyring,
  { keyDir, anchorFile }: LedgerFiles,
  anchor: Anchor | undefined,
): Promise<LedgerKey> {
  const sealed = await store.transaction(async (tx) => {
    const head = await tx.selectFrom('credential_head').select('sealed_mac_key').executeTakeFirst()
    if (head !== undefined) return head.sealed_mac_key
    if (anchor === undefined) return beginLedger(tx, keyring)
    throw notTheNewest(`its ledger is gone, and was at ${anchor.number} (${anchorFile})`)
  })
  return LedgerKey.fromSecret(openKey(keyring, sealed, keyDir))
}

function openKey(keyring: Keyring, sealed: string, keyDir: string): Secret {
  try {
    return open(keyring, sealed, LEDGER_KEY_PLACE)
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    if (error.code === 'unknown-key') throw keyNeeded(keyDir, error.keyId)
    throw new KeyrackError('not-ready', 'the key of the ledger of credentials does not open', {
      hint: 'the database was changed or damaged; restore its last backup',
      cause: error,
    })
  }
}

/** A new database, or one of the version before there was a ledger: what is there is believed once. */
async function beginLedger(tx: Tx, keyring: Keyring): Promise<string> {
  const key = LedgerKey.create()
  const sealed = seal(keyring, key.toSecret(), LEDGER_KEY_PLACE)
  await tx
    .insertInto('credential_head')
    .values({ id: 1, ...key.head(newId(), 1, 0n), sealed_mac_key: sealed })
    .execute()
  await vouchForAll(tx, key, () => true)
  return sealed
}

/** Begins a new lineage, in which only the chosen rows have an entry. */
export async function vouchForAll(
  tx: Tx,
  key: LedgerKey,
  chosen: (table: string, row: string) => boolean,
): Promise<void> {
  const lineage = newId()
  const version = 1
  let sum = 0n
  await tx.deleteFrom('credential_macs').execute()
  for (const table of CREDENTIAL_TABLE_NAMES) {
    for (const [row, fields] of await allFieldsOf(tx, table)) {
      if (!chosen(table, row)) continue
      const place = { table, row, version }
      const mac = key.macOf(lineage, place, fields)
      sum += key.summand(lineage, { ...place, mac })
      await tx
        .insertInto('credential_macs')
        .values({ table_name: table, row_id: row, version, mac })
        .execute()
    }
  }
  await tx
    .updateTable('credential_head')
    .set({ ...key.head(lineage, version, sum) })
    .execute()
}

function notTheNewest(problem: string): KeyrackError {
  return new KeyrackError('not-ready', `the database is not the newest one: ${problem}`, {
    hint: 'keyrack-console keys verify shows more; put the newest database back, or, where an older one was restored on purpose, run: keyrack-console keys verify --accept-rollback',
  })
}
