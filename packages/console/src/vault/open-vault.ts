import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Keyring } from '@keyrack/secrets'
import { type Logger, lockFolder, openKeyring, openStore, type Store } from '@keyrack/server'
import type { ConsoleConfig } from '../config.ts'
import { canaryRow } from '../database/canary-row.ts'
import { MIGRATIONS } from '../database/migrations.ts'
import type { Database } from '../database/schema.ts'
import { removeOperatorAccess } from '../operator/operator-access.ts'

/** What has to be closed again, oldest first. */
export type Closing = Array<() => Promise<void> | void>

export interface Vault {
  store: Store<Database>
  keyring: Keyring
}

/** The database and its master keys, locked for this process; whether it is the newest is not looked at. */
export async function openVault(
  config: ConsoleConfig,
  log: Logger,
  closing: Closing,
): Promise<Vault> {
  const notice = (text: string): void => log.warn(text)
  const store = await openLockedStore(config, log, closing)
  // Each of several Consoles would make a key of its own, and all but one would open nothing.
  const mayCreate = config.databaseUrl === undefined
  const canary = canaryRow(store)
  const keyring = await openKeyring({ folder: config.keyDir, mayCreate, canary, notice })
  return { store, keyring }
}

export async function openLockedStore(
  config: ConsoleConfig,
  log: Logger,
  closing: Closing,
): Promise<Store<Database>> {
  const notice = (text: string): void => log.warn(text)
  const folder = join(config.dataDir, 'console')
  const lock = lockFolder(folder, 'Console')
  closing.push(() => lock.release())
  // Left by a server that was killed; its port may be somebody else's by now.
  removeOperatorAccess(folder)

  const { databaseUrl } = config
  const file = join(folder, 'db')
  if (databaseUrl !== undefined && existsSync(file)) {
    notice(`DATABASE_URL is set, so the accounts in ${file} are not used`)
  }
  const place = databaseUrl === undefined ? { file } : { url: databaseUrl }
  const store = await openStore<Database>({ ...place, migrations: MIGRATIONS, notice })
  closing.push(() => store.close())
  return store
}
