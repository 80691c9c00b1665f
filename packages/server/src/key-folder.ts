import type { Keyring, MasterKey } from '@keyrack/secrets'

/** Where a server keeps its canary: one row, one sealed text. */
export interface CanaryRow {
  read(): Promise<string | undefined>
  write(sealed: string): Promise<void>
}

export interface KeyFolderOptions {
  folder: string
  createIfMissing: boolean
  /** The key the database needs, so that an empty folder's error can name it. */
  neededKeyId?: string
  /** Told about repaired file modes and a new key. */
  notice?: (text: string) => void
  random?: (size: number) => Uint8Array
  now?: () => number
}

export function loadKeyring(_options: KeyFolderOptions): Keyring {
  throw new Error('not written yet')
}

export async function checkCanary(
  _keyring: Keyring,
  _row: CanaryRow,
  _folder: string,
): Promise<void> {
  throw new Error('not written yet')
}

/** `mayCreate` is false when DATABASE_URL is set; a database with a canary never gets a new key. */
export async function openKeyring(
  _options: Omit<KeyFolderOptions, 'createIfMissing' | 'neededKeyId'> & {
    mayCreate: boolean
    canary: CanaryRow
  },
): Promise<Keyring> {
  throw new Error('not written yet')
}

export function writeMasterKey(_folder: string, _key: MasterKey): void {
  throw new Error('not written yet')
}
