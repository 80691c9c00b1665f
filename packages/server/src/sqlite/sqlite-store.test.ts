import { chmodSync, chownSync, copyFileSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { isUniqueViolation } from '../store/is-unique-violation.ts'
import { openStore } from '../store/open-store.ts'
import type { Store } from '../store/store.ts'
import { startProgram } from '../testing/child-program.ts'
import { ROWS_MIGRATION, type RowsSchema } from '../testing/rows-schema.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'

function folder(): string {
  const made = temporaryFolder()
  onTestFinished(made.remove)
  return made.path
}

async function newStore(file = join(folder(), 'db')): Promise<Store<RowsSchema>> {
  const store = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
  onTestFinished(() => store.close())
  return store
}

const modeOf = (path: string) => statSync(path).mode & 0o777
const idsOf = async (store: Store<RowsSchema>) =>
  (await store.db.selectFrom('rows').select('id').orderBy('id').execute()).map((row) => row.id)

describe('the database file', () => {
  it('is for this user only, with its folder and its log', async () => {
    const data = join(folder(), 'deep', 'console')
    const store = await newStore(join(data, 'db'))
    await store.db.insertInto('rows').values({ id: 'a', n: 1 }).execute()
    expect(modeOf(data)).toBe(0o700)
    expect(modeOf(join(data, 'db'))).toBe(0o600)
    expect(modeOf(join(data, 'db-wal'))).toBe(0o600)
  })

  it('is made private again, with a notice, when others could read it', async () => {
    const file = join(folder(), 'db')
    await (await openStore({ file, migrations: [] })).close()
    chmodSync(file, 0o644)
    const notices: string[] = []
    const store = await openStore({ file, migrations: [], notice: (text) => notices.push(text) })
    await store.close()
    expect(modeOf(file)).toBe(0o600)
    expect(notices).toEqual([expect.stringContaining(file)])
  })

  it('commits through a synced write-ahead log and enforces foreign keys', async () => {
    const store = await newStore()
    const pragma = async (name: string) =>
      Object.values((await sql.raw(`pragma ${name}`).execute(store.db)).rows[0] ?? {})[0]
    expect(await pragma('journal_mode')).toBe('wal')
    expect(await pragma('synchronous')).toBe(2)
    expect(await pragma('foreign_keys')).toBe(1)
    expect(await pragma('secure_delete')).toBe(1)
  })

  it('that is damaged stops the start with its name and what to do', async () => {
    const file = join(folder(), 'db')
    writeFileSync(file, 'this was a database once, but somebody edited it '.repeat(50))
    const failure = await openStore({ file, migrations: [] }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(KeyrackError)
    expect(errorText(failure as KeyrackError)).toContain(file)
    expect(errorText(failure as KeyrackError)).toContain('restore the last backup')
    expect(readFileSync(file, 'utf8')).toContain('somebody edited it')
  })

  it('that is damaged further in fails the statement that meets it, not silently', async () => {
    const file = join(folder(), 'db')
    const store = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
    await store.transaction(async (tx) => {
      for (let n = 0; n < 500; n += 1) {
        await tx
          .insertInto('rows')
          .values({ id: `row ${n}`, n, text: 'x'.repeat(200) })
          .execute()
      }
    })
    await store.close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 4096 * 6, 4096 * 12)
    writeFileSync(file, bytes)

    const damaged = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
    onTestFinished(() => damaged.close())
    await expect(damaged.db.selectFrom('rows').selectAll().execute()).rejects.toMatchObject({
      name: 'KeyrackError',
      message: 'the database cannot be used: it is damaged',
    })
  })

  it('in a folder this user may not write stops the start with a sentence', async () => {
    const data = folder()
    // The superuser may write anywhere, so the attempt is made as nobody then.
    const root = process.getuid?.() === 0
    const nobody = 65_534
    if (root) chownSync(data, nobody, nobody)
    chmodSync(data, 0o500)
    const child = startProgram('try-store', [join(data, 'db'), ...(root ? [String(nobody)] : [])])
    await child.ended
    expect(child.output()).toContain('not-ready: cannot use')
    expect(child.output()).toContain('this user may not write there')
  })

  it('on a full disk fails the write with a sentence and stays readable', async () => {
    const store = await newStore()
    // The same result code (SQLITE_FULL) as a disk without space.
    await sql`pragma max_page_count = 12`.execute(store.db)
    const fill = store.transaction(async (tx) => {
      for (let n = 0; n < 100; n += 1) {
        await tx
          .insertInto('rows')
          .values({ id: `${n}`, n, text: 'x'.repeat(2000) })
          .execute()
      }
    })
    await expect(fill).rejects.toMatchObject({
      code: 'not-ready',
      message: 'the database cannot be used: the disk is full',
      hint: 'make space and try again',
    })
    expect(await idsOf(store)).toEqual([])
    await store.db.insertInto('rows').values({ id: 'small', n: 1 }).execute()
    expect(await idsOf(store)).toEqual(['small'])
  })
})

describe('values', () => {
  it('come back as they were stored, numbers as whole numbers in any column', async () => {
    const store = await newStore()
    const big = 12_345_678_901_234
    await store.db.insertInto('rows').values({ id: 'ä 🔑 "x"', n: big, text: null }).execute()
    await sql`insert into rows (id, n, text) values ('asText', 1, ${big})`.execute(store.db)
    await sql`insert into rows (id, n) values ('flag', ${true})`.execute(store.db)
    expect(await store.db.selectFrom('rows').selectAll().orderBy('id').execute()).toEqual([
      { id: 'asText', n: 1, text: '12345678901234' },
      { id: 'flag', n: 1, text: null },
      { id: 'ä 🔑 "x"', n: big, text: null },
    ])
    const types = await sql<{ t: string }>`select distinct typeof(n) as t from rows`.execute(
      store.db,
    )
    expect(types.rows).toEqual([{ t: 'integer' }])
  })

  it('that the driver would store wrongly are refused, and nothing is stored', async () => {
    const store = await newStore()
    for (const wrong of [new Date(), undefined, {}, ['a'], 'a\0b', Number.NaN, new Uint8Array(2)]) {
      const insert = sql`insert into rows (id, n, text) values ('x', 1, ${wrong})`.execute(store.db)
      await expect(insert).rejects.toThrow(TypeError)
    }
    expect(await idsOf(store)).toEqual([])
  })

  it('counts and returns what a statement changed', async () => {
    const store = await newStore()
    await store.db
      .insertInto('rows')
      .values([
        { id: 'a', n: 1 },
        { id: 'b', n: 1 },
      ])
      .execute()
    const update = await store.db.updateTable('rows').set({ n: 2 }).executeTakeFirst()
    expect(update.numUpdatedRows).toBe(2n)
    const deleted = await store.db.deleteFrom('rows').where('id', '=', 'a').returning('n').execute()
    expect(deleted).toEqual([{ n: 2 }])
    const rows: unknown[] = []
    for await (const row of store.db.selectFrom('rows').select('id').stream()) rows.push(row)
    expect(rows).toEqual([{ id: 'b' }])
  })

  it('are read to the last one while memory is cleaned up', async () => {
    const store = await newStore()
    const all = Array.from({ length: 500 }, (_, n) => ({ id: `row ${n}`, n }))
    await store.db.insertInto('rows').values(all).execute()
    setFlagsFromString('--expose-gc')
    const collectGarbage: () => void = runInNewContext('gc')
    const rows: unknown[] = []
    for await (const row of store.db.selectFrom('rows').select(['id', 'n']).orderBy('n').stream()) {
      rows.push(row)
      if (rows.length % 50 !== 0) continue
      collectGarbage()
      // Native objects are freed in a turn of their own.
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(rows).toEqual(all)
  })

  it('stay right over more different statements than are kept prepared', async () => {
    const store = await newStore()
    await store.db.insertInto('rows').values({ id: 'a', n: 1 }).execute()
    for (let round = 0; round < 2; round += 1) {
      for (let n = 0; n < 300; n += 1) {
        const found = await sql.raw(`select ${n} as n from rows`).execute(store.db)
        expect(found.rows).toEqual([{ n }])
      }
    }
  })

  it('shows the columns of a changed table to a statement that ran before', async () => {
    const store = await newStore()
    await store.db.insertInto('rows').values({ id: 'a', n: 1 }).execute()
    const all = () => sql`select * from rows`.execute(store.db)
    expect((await all()).rows).toEqual([{ id: 'a', n: 1, text: null }])
    await store.db.schema.alterTable('rows').addColumn('more', 'text').execute()
    expect((await all()).rows).toEqual([{ id: 'a', n: 1, text: null, more: null }])
  })
})

describe('isUniqueViolation', () => {
  it('tells a taken value from every other failure, and which column it was', async () => {
    const store = await newStore()
    const insert = () => store.db.insertInto('rows').values({ id: 'a', n: 1 }).execute()
    await insert()
    const taken = await insert().catch((error: unknown) => error)
    expect(isUniqueViolation(taken)).toBe(true)
    expect(isUniqueViolation(taken, 'rows.id')).toBe(true)
    expect(isUniqueViolation(taken, 'rows.n')).toBe(false)
    // The driver reports a statement that returns rows in another way.
    const returning = store.db
      .insertInto('rows')
      .values({ id: 'a', n: 1 })
      .returning('id')
      .execute()
    expect(await returning.catch((error) => isUniqueViolation(error, 'rows.id'))).toBe(true)

    await sql`create unique index once on rows (lower(id))`.execute(store.db)
    const other = await sql`insert into rows (id, n) values ('A', 1)`
      .execute(store.db)
      .catch((error: unknown) => error)
    expect(isUniqueViolation(other, "index 'once'")).toBe(true)

    const missing = await sql`insert into rows (id) values ('b')`
      .execute(store.db)
      .catch((error: unknown) => error)
    expect(missing).toBeInstanceOf(Error)
    expect(isUniqueViolation(missing)).toBe(false)
    expect(isUniqueViolation(new Error('UNIQUE constraint failed: rows.id'))).toBe(false)
  })
})

describe('close', () => {
  it('leaves one whole file, even after a stream that was left early', async () => {
    const file = join(folder(), 'db')
    const store = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
    const rows = Array.from({ length: 50 }, (_, n) => ({ id: `${n}`, n, text: 'x'.repeat(500) }))
    await store.db.insertInto('rows').values(rows).execute()
    for await (const row of store.db.selectFrom('rows').select('id').stream()) {
      if (row.id === '3') break
    }
    await store.transaction((tx) => tx.deleteFrom('rows').where('id', '=', '0').execute())
    await store.close()

    const copy = join(folder(), 'copy')
    copyFileSync(file, copy)
    expect(await idsOf(await newStore(copy))).toHaveLength(49)
  })

  it('waits for the transaction that is running, and can be repeated', async () => {
    const file = join(folder(), 'db')
    const store = await openStore<RowsSchema>({ file, migrations: [ROWS_MIGRATION] })
    let closed: Promise<void> | undefined
    await store.transaction(async (tx) => {
      closed = store.close()
      await tx.insertInto('rows').values({ id: 'late', n: 1 }).execute()
    })
    await closed
    await store.close()
    await expect(store.check()).rejects.toThrow()
    expect(await idsOf(await newStore(file))).toEqual(['late'])
  })
})
