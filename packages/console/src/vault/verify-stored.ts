import { type Keyring, LedgerKey, open, SealError } from '@keyrack/secrets'
import type { Store } from '@keyrack/server'
import type { Kysely } from 'kysely'
import type { Database } from '../database/schema.ts'
import { type Anchor, readAnchor } from './anchor-file.ts'
import { examineCredentials, type Seen } from './examine-credentials.ts'
import { LEDGER_KEY_PLACE } from './ledger-head.ts'
import { rollbackOf } from './open-ledger.ts'
import { readSealed, SEALED_COLUMNS } from './sealed-columns.ts'

export interface StoredProblem {
  /** `table/row`, or what else it is about. */
  where: string
  problem: string
}

export interface Verification {
  /** How many values were opened, and how many rows compared with their MAC. */
  sealed: number
  credentials: number
  problems: StoredProblem[]
}

const WORDS = {
  changed: 'was changed by somebody else than a Console',
  unknown: 'was not written by a Console',
  'put back': 'is from before its last change',
  gone: 'was removed by somebody else than a Console',
}

/**
 * Opens every sealed value, compares every credential with its MAC, and the ledger with its head and
 * the anchor. `seen` is what a running Console remembers; it finds single rows that were put back.
 */
export async function verifyStored(
  { store, keyring }: { store: Store<Database>; keyring: Keyring },
  anchorFile: string,
  seen?: Seen,
): Promise<Verification> {
  const anchor = readAnchor(anchorFile)
  return store.read(async (tx) => {
    const { sealed, problems } = await openAll(tx, keyring)
    const { credentials, problems: more } = await compareAll(tx, keyring, anchor, seen)
    return { sealed, credentials, problems: [...problems, ...more] }
  })
}

async function openAll(tx: Kysely<Database>, keyring: Keyring) {
  const problems: StoredProblem[] = []
  let sealed = 0
  for (const column of SEALED_COLUMNS) {
    for (const value of await readSealed(tx, column)) {
      try {
        open(keyring, value.sealed, value.context)
        sealed += 1
      } catch (error) {
        if (!(error instanceof SealError)) throw error
        const problem =
          error.code === 'unknown-key'
            ? `${column.column} is sealed with the master key ${error.keyId}, which is not in KEY_DIR`
            : `${column.column} does not open: it was changed, or belongs to another row or version`
        problems.push({ where: `${column.table}/${value.row}`, problem })
      }
    }
  }
  return { sealed, problems }
}

async function compareAll(
  tx: Kysely<Database>,
  keyring: Keyring,
  anchor: Anchor | undefined,
  seen: Seen | undefined,
): Promise<{ credentials: number; problems: StoredProblem[] }> {
  const key = await openLedgerKey(tx, keyring)
  if (key === undefined) {
    const problem = 'has no key that opens, so no credential can be compared with its MAC'
    return { credentials: 0, problems: [{ where: 'credential_head/1', problem }] }
  }
  const examined = await examineCredentials(tx, key, seen)
  const problems = examined.findings.map(({ table, row, problem }) => ({
    where: `${table}/${row}`,
    problem: WORDS[problem],
  }))
  const rollback = rollbackOf(examined, anchor)
  if (rollback !== undefined) problems.push({ where: 'the database', problem: rollback })
  return { credentials: examined.entries.size, problems }
}

async function openLedgerKey(
  tx: Kysely<Database>,
  keyring: Keyring,
): Promise<LedgerKey | undefined> {
  const head = await tx.selectFrom('credential_head').select('sealed_mac_key').executeTakeFirst()
  try {
    if (head === undefined) return undefined
    return LedgerKey.fromSecret(open(keyring, head.sealed_mac_key, LEDGER_KEY_PLACE))
  } catch (error) {
    if (error instanceof SealError) return undefined
    throw error
  }
}
