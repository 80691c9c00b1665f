import { existsSync, readdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import {
  createMasterKey,
  formatMasterKey,
  formatWrappedMasterKey,
  isWrappedMasterKey,
  Keyring,
  type MasterKey,
  parseMasterKey,
  parseWrappedMasterKey,
  type WrappedMasterKey,
} from '@keyrack/secrets'
import { unwrapWithKms } from './kms/unwrap-with-kms.ts'
import { wrapWithKms } from './kms/wrap-with-kms.ts'
import {
  folderFailure,
  type Notice,
  privateFolder,
  syncFolder,
  tightenMode,
} from './private-folder.ts'
import { writePrivateFile } from './write-private-file.ts'

export interface KeyFolderOptions {
  folder: string
  /** True only at the very first start: see `openKeyring`. */
  createIfMissing: boolean
  /** The key the database needs, so that the error about an empty folder can name it. */
  neededKeyId?: string | undefined
  /** Told about repaired file modes and about a new key. */
  notice?: Notice
  random?: (size: number) => Uint8Array
  now?: () => number
}

const SUFFIX = '.key'

/** Reads the master keys of a folder: one file `<id>.key` each, for this user's eyes only. */
export async function loadKeyring(options: KeyFolderOptions): Promise<Keyring> {
  const { folder, createIfMissing, neededKeyId, notice = () => {}, random, now } = options
  if (createIfMissing) privateFolder(folder, notice)
  else if (existsSync(folder)) tightenMode(folder, 0o700, notice)

  const files = keyFiles(folder)
  if (files.length === 0 && createIfMissing) {
    const key = createMasterKey(random, now)
    writeMasterKey(folder, key)
    notice(`made the master key ${key.id} in ${folder}; keep a copy of it, apart from backups`)
    return new Keyring([key])
  }
  if (files.length === 0) throw keyNeeded(folder, neededKeyId)
  return new Keyring(await readMasterKeys(folder, { notice }))
}

/**
 * All master keys of a folder, in no order. The key service is asked for those only that `known`
 * does not have: a key is opened once.
 */
export async function readMasterKeys(
  folder: string,
  { known, notice = () => {} }: { known?: Keyring; notice?: Notice } = {},
): Promise<MasterKey[]> {
  const keys: MasterKey[] = []
  for (const name of keyFiles(folder)) {
    const key = readKeyFile(join(folder, name), notice)
    keys.push('wrapped' in key ? (known?.get(key.id) ?? (await unwrapWithKms(key))) : key)
  }
  return keys
}

/** Takes a key out of use: its file stays in the folder, under a name that is not loaded. */
export function retireMasterKey(folder: string, id: string): string {
  const retired = join(folder, `${id}.retired`)
  try {
    renameSync(join(folder, `${id}${SUFFIX}`), retired)
    syncFolder(folder)
  } catch (error) {
    throw folderFailure(retired, error)
  }
  return retired
}

/** Adds a key to the folder, as it is; it is used after the next load. */
export function writeMasterKey(folder: string, key: MasterKey): void {
  writePrivateFile(join(folder, `${key.id}${SUFFIX}`), `${formatMasterKey(key).reveal()}\n`)
}

/** The same for a key that only AWS KMS opens; answers with the key that wraps it. */
export async function writeWrappedMasterKey(
  folder: string,
  key: MasterKey,
  keyArn: string,
): Promise<MasterKey> {
  const wrapped = await wrapWithKms(key, keyArn)
  // Whoever may wrap need not be allowed to open, which must not show at the next start only.
  const opened = await unwrapWithKms(wrapped)
  writePrivateFile(join(folder, `${key.id}${SUFFIX}`), `${formatWrappedMasterKey(wrapped)}\n`)
  return opened
}

/** The refusal of a server whose database was sealed with a key that is not there. */
export function keyNeeded(folder: string, keyId: string | undefined): KeyrackError {
  if (keyId === undefined) {
    return new KeyrackError('not-ready', `there is no master key in ${folder}`, {
      hint: 'put the key file of this server there; if it is the very first of a new database, make one with: keyrack-console keys create',
    })
  }
  return new KeyrackError(
    'not-ready',
    `the database was sealed with the master key ${keyId}, which is not in ${folder}`,
    { hint: `put the file ${keyId}${SUFFIX} back into that folder` },
  )
}

function keyFiles(folder: string): string[] {
  try {
    // Names that begin with a dot are left-overs of an interrupted write.
    return readdirSync(folder).filter((name) => name.endsWith(SUFFIX) && !name.startsWith('.'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw folderFailure(folder, error)
  }
}

function readKeyFile(file: string, notice: Notice): MasterKey | WrappedMasterKey {
  let content: string
  try {
    tightenMode(file, 0o600, notice)
    content = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof KeyrackError) throw error
    throw unusable(file, 'cannot be read', 'let the user who runs the server read it', error)
  }
  const restore = 'restore it from the copy that was kept; do not delete it'
  let key: MasterKey | WrappedMasterKey
  try {
    key = isWrappedMasterKey(content) ? parseWrappedMasterKey(content) : parseMasterKey(content)
  } catch (error) {
    throw unusable(file, 'is damaged', restore, error)
  }
  if (!file.endsWith(`${key.id}${SUFFIX}`)) {
    throw unusable(file, `holds the key ${key.id}`, `rename it to ${key.id}${SUFFIX}`)
  }
  return key
}

function unusable(file: string, what: string, hint: string, cause?: unknown): KeyrackError {
  return new KeyrackError('not-ready', `the master key file ${file} ${what}`, { hint, cause })
}
