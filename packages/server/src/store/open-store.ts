import type { Secret } from '@keyrack/secrets'
import type { Migration } from '../migrations.ts'
import type { Notice } from '../private-folder.ts'
import { openSqliteStore } from '../sqlite/open-sqlite-store.ts'
import type { Store } from './store.ts'

export interface StoreSettings {
  migrations: readonly Migration[]
  now?: () => number
  /** Told what an operator should know: a file that others could use, a server that does not sync. */
  notice?: Notice
}

/** Where the data is: a file of our own, or a PostgreSQL server (the URL holds a password). */
export type StorePlace = { file: string } | { url: Secret }

/** Opens the database, durable, and brings its schema up to date. */
export async function openStore<S>(options: StoreSettings & StorePlace): Promise<Store<S>> {
  if (!('url' in options)) return openSqliteStore<S>(options)
  // Loaded only where it is used: a Rack never does.
  const { openPostgresStore } = await import('../postgres/open-postgres-store.ts')
  return openPostgresStore<S>(options)
}
