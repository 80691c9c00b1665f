import { DatabaseSync } from '@photostructure/sqlite'
import { CompiledQuery } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SqliteConnection } from './sqlite-connection.ts'
import { StatementCache } from './statement-cache.ts'

let database: InstanceType<typeof DatabaseSync>
let connection: SqliteConnection

beforeEach(() => {
  database = new DatabaseSync(':memory:')
  database.exec('create table rows (id text primary key)')
  connection = new SqliteConnection(database, new StatementCache(database))
})
afterEach(() => database.close())

const insert = (id: string) =>
  connection.executeQuery(CompiledQuery.raw('insert into rows values (?)', [id]))
const ids = () =>
  database
    .prepare('select id from rows order by id')
    .all()
    .map((row) => row.id)

// Kysely refuses most late queries itself; these are the ones it has already let through when the
// transaction ends under them.
describe('a query that reaches the connection late is refused, and is not committed alone', () => {
  it('after the commit', async () => {
    connection.begin()
    await insert('a')
    connection.commit()
    await expect(insert('late')).rejects.toThrow(TypeError)
    expect(ids()).toEqual(['a'])
  })

  it('after the rollback', async () => {
    connection.begin()
    await insert('a')
    connection.rollback()
    await expect(insert('late')).rejects.toThrow(TypeError)
    expect(ids()).toEqual([])
  })

  it('after the loan of the connection for one statement', async () => {
    await insert('a')
    connection.end()
    await expect(insert('late')).rejects.toThrow(TypeError)
    expect(ids()).toEqual(['a'])
  })

  it('while it is reading a stream', async () => {
    await insert('a')
    await insert('b')
    const rows = connection.streamQuery(CompiledQuery.raw('select id from rows'))
    expect((await rows.next()).value).toEqual({ rows: [{ id: 'a' }] })
    connection.end()
    await expect(rows.next()).rejects.toThrow(TypeError)
  })
})

describe('a commit', () => {
  it('after SQLite has rolled back by itself is a failure, never a success', async () => {
    connection.begin()
    await insert('a')
    database.exec('rollback')
    expect(() => connection.commit()).toThrow('was rolled back')
    connection.rollback()
    expect(ids()).toEqual([])
  })
})
