import { KeyrackError } from '@keyrack/protocol'
import { type Keyring, open, SealError, Secret, seal, sealedWith } from '@keyrack/secrets'
import { type KeyFolderOptions, keyNeeded, loadKeyring } from './key-folder.ts'

/** Where a server keeps its canary: one row, one sealed text. */
export interface CanaryRow {
  read(): Promise<string | undefined>
  /** Writes the first one; when there is one already, it stays. */
  write(sealed: string): Promise<void>
}

const TEXT = 'keyrack canary'
/** Where the canary is sealed for, wherever it is kept. */
export const CANARY_PLACE = { table: 'canary', row: 'canary', column: 'sealed', version: 1 }

/**
 * Shows before anything is served that the keys of this folder belong to this database: the first
 * start seals a known text, every later one opens it.
 */
export async function checkCanary(keyring: Keyring, row: CanaryRow, folder: string): Promise<void> {
  if ((await row.read()) === undefined)
    await row.write(seal(keyring, Secret.of(TEXT), CANARY_PLACE))
  // Read again: of two servers that start at once only one has written.
  const sealed = (await row.read()) ?? ''
  try {
    if (open(keyring, sealed, CANARY_PLACE).reveal() === TEXT) return
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    if (error.code === 'unknown-key') throw keyNeeded(folder, error.keyId)
    throw damaged(folder, error.keyId, error)
  }
  throw damaged(folder, undefined)
}

/**
 * The keys a server starts with; the canary's seals (`keys rotate` changes which that is). A master key is made at the very first start only: never when the
 * database already has a canary (its key is somewhere, and a new one would hide that), and never
 * when `mayCreate` is false (DATABASE_URL is set: another replica has the key).
 */
export async function openKeyring(
  options: Omit<KeyFolderOptions, 'createIfMissing' | 'neededKeyId'> & {
    mayCreate: boolean
    canary: CanaryRow
  },
): Promise<Keyring> {
  const { mayCreate, canary, ...rest } = options
  const sealed = await canary.read()
  const keyring = await loadKeyring({
    ...rest,
    createIfMissing: mayCreate && sealed === undefined,
    neededKeyId: sealed === undefined ? undefined : keyIdOf(sealed, options.folder),
  })
  await checkCanary(keyring, canary, options.folder)
  // Not the newest: that one may have been put there for a rotation that has not begun.
  keyring.sealWith(keyIdOf((await canary.read()) ?? '', options.folder))
  return keyring
}

function keyIdOf(sealed: string, folder: string): string {
  try {
    return sealedWith(sealed)
  } catch (error) {
    throw damaged(folder, undefined, error)
  }
}

function damaged(folder: string, keyId: string | undefined, cause?: unknown): KeyrackError {
  const key =
    keyId === undefined ? `the master keys in ${folder}` : `master key ${keyId} in ${folder}`
  return new KeyrackError('not-ready', `the canary of the database does not open with ${key}`, {
    hint: 'the database was changed or damaged; restore its last backup',
    cause,
  })
}
