import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openStore } from '../store/open-store.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { inspectStore } from './inspect-store.ts'

const MIGRATIONS = [
  { id: 1, name: 'one', up: async () => {} },
  { id: 2, name: 'two', up: async () => {} },
]

function databaseFile(): string {
  const folder = temporaryFolder()
  onTestFinished(folder.remove)
  return join(folder.path, 'db')
}

describe('inspectStore', () => {
  it('reads a database that a server is using, without migrating it', async () => {
    const file = databaseFile()
    const server = await openStore({ file, migrations: MIGRATIONS.slice(0, 1) })
    const inspected = await inspectStore(file)
    expect([inspected.schema, inspected.damage]).toEqual([1, ''])
    await inspected.close()
    await server.close()
    const later = await openStore({ file, migrations: MIGRATIONS })
    expect(later.migrated).toMatchObject({ from: 1, to: 2 })
    await later.close()
  })

  it('can write nothing', async () => {
    const file = databaseFile()
    await (await openStore({ file, migrations: MIGRATIONS })).close()
    const inspected = await inspectStore(file)
    const write = sql`delete from schema_migrations`.execute(inspected.db)
    await expect(write).rejects.toThrow()
    await inspected.close()
  })

  it('says what is damaged, or that it is no database, and makes no file', async () => {
    const file = databaseFile()
    await expect(inspectStore(file)).rejects.toMatchObject({ name: 'KeyrackError' })
    expect(() => readFileSync(file)).toThrow('ENOENT')
    writeFileSync(file, 'no database '.repeat(1000))
    await expect(inspectStore(file)).rejects.toMatchObject({ name: 'KeyrackError' })
  })
})
