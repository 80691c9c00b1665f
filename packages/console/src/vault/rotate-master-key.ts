import { KeyrackError } from '@keyrack/protocol'
import {
  createMasterKey,
  Keyring,
  type MasterKey,
  open,
  SealError,
  seal,
  sealedWith,
} from '@keyrack/secrets'
import { readMasterKeys, writeMasterKey, writeWrappedMasterKey } from '@keyrack/server'
import type { ConsoleContext, RequestContext, Tx } from '../context.ts'
import { CREDENTIAL_TABLES, type CredentialTableName } from './credential-tables.ts'
import { keyUsage, total } from './key-usage.ts'
import type { MasterKeyHolders } from './master-key-holders.ts'
import {
  readSealed,
  SEALED_COLUMNS,
  type SealedColumn,
  type SealedValue,
  writeSealed,
} from './sealed-columns.ts'
import { writeCredential } from './write-credential.ts'

export interface RotationDomain
  extends Pick<ConsoleContext, 'store' | 'commit' | 'keyring' | 'audit' | 'config'> {
  holders: MasterKeyHolders
}

export interface RotationReport {
  /** The key that seals now. */
  id: string
  /** Whether an earlier rotation was gone on with, and no key made. */
  continued: boolean
  resealed: number
  /** `table/row` of what could not be opened, and so is still sealed as before. */
  failed: string[]
  /** Keys of KEY_DIR that seal nothing any more. */
  unused: string[]
}

/** Told after each batch. */
export type Progress = (resealed: number, total: number) => void

/** So short that the writes of users hardly wait for it. */
const BATCH = 50
/** In the one transaction in which a new key begins to seal. */
const FIRST_TABLES: ReadonlySet<string> = new Set(['canary', 'credential_head'])

/**
 * Seals everything under a new master key, in small transactions: stopped at any moment, the values
 * are under one key or the other, both of which open, and the next call goes on. The new key is in
 * the folder of every Console before the first value is sealed with it.
 */
export async function rotateMasterKey(
  domain: RotationDomain,
  request: RequestContext,
  progress: Progress = () => {},
): Promise<RotationReport> {
  const { keyring, store, audit } = domain
  const { key, before, continued } = await chooseKey(domain)
  const { id } = key
  await domain.holders.requireEverywhere(id)
  const event = {
    organizationId: null,
    actor: { id: null, name: 'the operator of the server' },
    action: 'master-key.rotate',
    target: id,
    ...request,
  }
  const usage = await store.read((tx) => keyUsage(tx))
  const all = [...usage.keys()].reduce(
    (sum, used) => sum + (used === id ? 0 : total(usage, used)),
    0,
  )
  let resealed = 0
  const started = await domain.commit(async (tx) => {
    await requireAt(tx, before)
    const audited = await audit.started(event, tx)
    for (const column of SEALED_COLUMNS) {
      if (!FIRST_TABLES.has(column.table)) continue
      for (const value of await readSealed(tx, column, { except: id })) {
        if (!(await reseal(domain, tx, column, value, key))) {
          throw new TypeError(`${column.table}.${column.column} does not open any more`)
        }
        resealed += 1
      }
    }
    return audited
  })
  keyring.sealWith(id)
  const failed: string[] = []
  progress(resealed, all)
  for (const column of SEALED_COLUMNS) {
    for (let after: SealedValue | undefined, more = true; more; ) {
      const batch = await domain.commit(async (tx) => {
        await requireAt(tx, id)
        const values = await readSealed(tx, column, { after, except: id, limit: BATCH })
        const problems: string[] = []
        for (const value of values) {
          if (!(await reseal(domain, tx, column, value, key))) {
            problems.push(`${column.table}/${value.row}`)
          }
        }
        return { values, problems }
      })
      after = batch.values.at(-1)
      more = batch.values.length === BATCH
      failed.push(...batch.problems)
      resealed += batch.values.length - batch.problems.length
      if (batch.values.length > 0) progress(resealed, Math.max(all, resealed))
    }
  }
  const left = await store.read((tx) => keyUsage(tx))
  const unused = keyring.ids().filter((key) => key !== id && total(left, key) === 0)
  const status = failed.length === 0 ? 200 : 500
  await audit.finished(started.id, {
    status,
    note: `sealed anew: ${resealed}, not: ${failed.length}`,
  })
  return { id, continued, resealed, failed, unused }
}

/** The key to seal with: that of a rotation which was cut off, else the newest that is not in use yet, else a new one. */
async function chooseKey({
  store,
  keyring,
  config,
}: RotationDomain): Promise<{ key: MasterKey; before: string; continued: boolean }> {
  keyring.learn(await readMasterKeys(config.keyDir, { known: keyring }))
  const { current } = keyring
  const usage = await store.read((tx) => keyUsage(tx))
  const unknown = [...usage.keys()].find((id) => keyring.get(id) === undefined)
  if (unknown !== undefined) {
    throw new KeyrackError(
      'not-ready',
      `values of the database are sealed with the master key ${unknown}, which is not in ${config.keyDir}`,
      { hint: `put the file ${unknown}.key into that folder` },
    )
  }
  const unfinished = [...usage.keys()].some((id) => id !== current.id)
  const before = current.id
  if (unfinished) return { key: current, before, continued: true }
  const { newest } = keyring
  if (newest.id !== before) return { key: newest, before, continued: false }
  // Newer than the current one also where the clock was set back: the newest is what others choose.
  const made = createMasterKey(undefined, () => Math.max(Date.now(), current.createdAt + 1))
  const key = await keepLike(current, made, config.keyDir)
  keyring.learn([key])
  return { key, before, continued: false }
}

/** A key that AWS KMS wraps is followed by another that it wraps: a rotation weakens nothing. */
async function keepLike(current: MasterKey, made: MasterKey, keyDir: string): Promise<MasterKey> {
  if (current.wrappedBy !== undefined) {
    return writeWrappedMasterKey(keyDir, made, current.wrappedBy)
  }
  writeMasterKey(keyDir, made)
  return made
}

/** Of two rotations at once, on two Consoles, only one goes on. */
async function requireAt(tx: Tx, id: string): Promise<void> {
  const { sealed } = await tx.selectFrom('canary').select('sealed').executeTakeFirstOrThrow()
  if (sealedWith(sealed) === id) return
  throw new KeyrackError(
    'conflict',
    'another Console of this database is rotating the master key',
    {
      hint: 'look at: keyrack-console keys status; when it has ended, run this again if it is still needed',
    },
  )
}

/** False: it does not open, or the ledger refuses its row, so nothing was changed. */
async function reseal(
  { keyring }: RotationDomain,
  tx: Tx,
  column: SealedColumn,
  value: SealedValue,
  key: MasterKey,
): Promise<boolean> {
  try {
    const secret = open(keyring, value.sealed, value.context)
    const sealed = seal(new Keyring([key]), secret, value.context)
    const write = (): Promise<void> => writeSealed(tx, column, value, sealed)
    if (isCredential(column.table)) await writeCredential(tx, column.table, value.row, write)
    else await write()
    return true
  } catch (error) {
    if (error instanceof SealError || error instanceof KeyrackError) return false
    throw error
  }
}

function isCredential(table: string): table is CredentialTableName {
  return Object.hasOwn(CREDENTIAL_TABLES, table)
}
