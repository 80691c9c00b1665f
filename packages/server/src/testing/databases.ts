import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { Secret } from '@keyrack/secrets'
import pg from 'pg'
import { inject, onTestFinished } from 'vitest'
import type { StorePlace } from '../store/open-store.ts'
import { temporaryFolder } from './temporary-folder.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The server of this run, from `postgres-setup.ts`; undefined: not installed. */
    postgres: string | undefined
    /** What the Console's suite keeps its data in. */
    database: 'SQLite' | 'PostgreSQL'
  }
}

export interface TestDatabase {
  name: 'SQLite' | 'PostgreSQL'
  /** A new, empty database that is gone when the test is over. */
  place(): Promise<StorePlace>
}

const SQLITE: TestDatabase = {
  name: 'SQLite',
  async place() {
    const folder = temporaryFolder()
    onTestFinished(folder.remove)
    return { file: join(folder.path, 'db') }
  },
}

const POSTGRES: TestDatabase = {
  name: 'PostgreSQL',
  place: async () => ({ url: Secret.of(await newPostgresDatabase()) }),
}

/** For `for (const database of DATABASES)`: what a store promises, it promises on each. */
export const DATABASES: readonly TestDatabase[] =
  inject('postgres') === undefined ? [SQLITE] : [SQLITE, POSTGRES]

type AtEnd = (end: () => Promise<void>) => void

/** The address of a new database on the run's server, dropped when the test, or `atEnd`, is over. */
export async function newPostgresDatabase(atEnd: AtEnd = onTestFinished): Promise<string> {
  const name = `test_${randomBytes(6).toString('hex')}`
  await asSuperuser(`create database ${name}`)
  atEnd(async () => {
    await asSuperuser(`drop database if exists ${name} with (force)`)
  })
  const url = new URL(postgresServer())
  url.pathname = `/${name}`
  return url.href
}

/** Runs one statement as the server's superuser, in a database of its own or in `database`. */
export async function asSuperuser(
  statement: string,
  database = postgresServer(),
): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: database })
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

export function postgresServer(): string {
  const url = inject('postgres')
  if (url === undefined) throw new Error('PostgreSQL is not installed, so this cannot be tested')
  return url
}

/** For `describe.runIf`: whether PostgreSQL is there. */
export const HAS_POSTGRES = inject('postgres') !== undefined
