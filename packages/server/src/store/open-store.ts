import type { Secret } from '@keyrack/secrets'
import type { Migration } from '../migrations.ts'
import { openPostgresStore } from '../postgres/open-postgres-store.ts'
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
export function openStore<S>(options: StoreSettings & StorePlace): Promise<Store<S>> {
  return 'url' in options ? openPostgresStore<S>(options) : openSqliteStore<S>(options)
}
