import { join } from 'node:path'
import { lockFolder, openStore } from '@keyrack/server'
import { readConfig } from '../config.ts'
import { MIGRATIONS } from '../database/migrations.ts'
import type { Database } from '../database/schema.ts'
import { noMoreArguments } from './no-more-arguments.ts'
import { consoleFolder } from './running-console.ts'

/** What each start of the server does too; by itself for who wants to see it done beforehand. */
export async function migrateCommand(args: readonly string[]): Promise<number> {
  noMoreArguments(args)
  const config = readConfig({ env: process.env })
  const folder = consoleFolder(config)
  const lock = lockFolder(folder, 'Console')
  try {
    const { databaseUrl } = config
    const file = join(folder, 'db')
    const place = databaseUrl === undefined ? { file } : { url: databaseUrl }
    const what = databaseUrl === undefined ? file : 'the database of DATABASE_URL'
    const notice = (text: string): void => void process.stderr.write(`${text}\n`)
    const store = await openStore<Database>({ ...place, migrations: MIGRATIONS, notice })
    const { from, to, ran } = store.migrated
    await store.close()
    for (const { id, name, milliseconds } of ran) {
      process.stdout.write(`ran ${id} ${name} (${milliseconds} ms)\n`)
    }
    process.stdout.write(
      ran.length === 0
        ? `${what} is up to date: schema ${to}\n`
        : `${what}: from schema ${from} to ${to}\n`,
    )
    return 0
  } finally {
    lock.release()
  }
}
