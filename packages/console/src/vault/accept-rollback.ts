import { KeyrackError } from '@keyrack/protocol'
import { LedgerKey, open } from '@keyrack/secrets'
import type { Tx } from '../context.ts'
import { type Anchor, readAnchor, writeAnchor } from './anchor-file.ts'
import { examineCredentials } from './examine-credentials.ts'
import { LEDGER_KEY_PLACE, readHead } from './ledger-head.ts'
import { rollbackOf, vouchForAll } from './open-ledger.ts'
import type { Vault } from './open-vault.ts'

/**
 * Believes the database as it is from now on, because the operator says that an older one was put
 * there on purpose. Rows that no Console has written stay refused. What was written after that older
 * state can never come back, because a new lineage begins.
 */
export async function acceptRollback(
  { store, keyring }: Vault,
  anchorFile: string,
): Promise<{ refused: string[] }> {
  const { anchor, refused } = await store.transaction((tx) => acceptIn(tx, keyring, anchorFile))
  writeAnchor(anchorFile, anchor)
  return { refused }
}

/** As above, in a transaction that is under way; the anchor is to be written once it is durable. */
export async function acceptIn(
  tx: Tx,
  keyring: Vault['keyring'],
  anchorFile: string | undefined,
): Promise<{ anchor: Anchor; refused: string[] }> {
  const head = await tx.selectFrom('credential_head').select('sealed_mac_key').executeTakeFirst()
  if (head === undefined) {
    throw new KeyrackError('not-ready', 'the ledger of credentials is gone from the database', {
      hint: 'restore a backup with: keyrack-console restore FILE',
    })
  }
  const key = LedgerKey.fromSecret(open(keyring, head.sealed_mac_key, LEDGER_KEY_PLACE))
  const examined = await examineCredentials(tx, key, undefined)
  const refused = examined.findings.map(({ table, row }) => `${table}/${row}`)
  // A database that another Console has restored and accepted is whole; it keeps its lineage.
  const known = anchorFile === undefined ? undefined : knownAnchor(anchorFile)
  const adopted =
    anchorFile !== undefined &&
    rollbackOf(examined, undefined) === undefined &&
    known?.lineage !== examined.lineage
  if (!adopted) await vouchForAll(tx, key, (table, row) => !refused.includes(`${table}/${row}`))
  const { lineage, number } = await readHead(tx)
  return { anchor: { lineage, number }, refused }
}

/** A damaged anchor says nothing, and is written anew. */
function knownAnchor(file: string): Anchor | undefined {
  try {
    return readAnchor(file)
  } catch (error) {
    if (error instanceof KeyrackError) return undefined
    throw error
  }
}
