import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { DATABASES } from '../testing/databases.ts'
import { ROWS_MIGRATION, type RowsSchema } from '../testing/rows-schema.ts'
import { isUniqueViolation } from './is-unique-violation.ts'
import { openStore } from './open-store.ts'

for (const database of DATABASES) {
  async function newStore() {
    const place = await database.place()
    const store = await openStore<RowsSchema>({ ...place, migrations: [ROWS_MIGRATION] })
    onTestFinished(() => store.close())
    return store
  }

  describe(`a value on ${database.name}`, () => {
    it('comes back as it was stored, numbers as whole numbers in any column', async () => {
      const { db } = await newStore()
      const big = 12_345_678_901_234
      const most = Number.MAX_SAFE_INTEGER
      const text = `ä 🔑 "x" ' \\ \n\t`
      await db.insertInto('rows').values({ id: 'a', n: big, text: null }).execute()
      await db.insertInto('rows').values({ id: 'b', n: -most, text }).execute()
      await sql`insert into rows (id, n, text) values ('c', ${true}, ${big})`.execute(db)
      expect(await db.selectFrom('rows').selectAll().orderBy('id').execute()).toEqual([
        { id: 'a', n: big, text: null },
        { id: 'b', n: -most, text },
        { id: 'c', n: 1, text: String(big) },
      ])
      const counted = await sql<{ rows: number; sum: number }>`
        select count(*) as rows, sum(n) as sum from rows where id <> 'b'`.execute(db)
      expect(counted.rows).toEqual([{ rows: 2, sum: big + 1 }])
    })

    it('that would be stored wrongly is refused, and nothing is stored', async () => {
      const { db } = await newStore()
      for (const wrong of [new Date(), undefined, {}, ['a'], 'a\0b', '\ud83d', Number.NaN]) {
        const insert = sql`insert into rows (id, n, text) values ('x', 1, ${wrong})`.execute(db)
        await expect(insert).rejects.toThrow(TypeError)
      }
      expect(await db.selectFrom('rows').selectAll().execute()).toEqual([])
    })

    it('is counted and returned by the statement that changes it', async () => {
      const { db } = await newStore()
      const rows = ['a', 'b'].map((id) => ({ id, n: 1 }))
      await db.insertInto('rows').values(rows).execute()
      const update = await db.updateTable('rows').set({ n: 2 }).executeTakeFirst()
      expect(update.numUpdatedRows).toBe(2n)
      const gone = await db.deleteFrom('rows').where('id', '=', 'a').returning('n').execute()
      expect(gone).toEqual([{ n: 2 }])
      const streamed: unknown[] = []
      for await (const row of db.selectFrom('rows').select('id').stream()) streamed.push(row)
      expect(streamed).toEqual([{ id: 'b' }])
    })
  })

  describe(`isUniqueViolation on ${database.name}`, () => {
    it('tells a taken value from every other failure, and which column it was', async () => {
      const { db } = await newStore()
      const insert = (id: string) => db.insertInto('rows').values({ id, n: 1 }).execute()
      const failureOf = (work: Promise<unknown>) => work.catch((error: unknown) => error)
      await insert('a')
      const taken = await failureOf(insert('a'))
      expect(isUniqueViolation(taken)).toBe(true)
      expect(isUniqueViolation(taken, 'rows.id')).toBe(true)
      expect(isUniqueViolation(taken, 'rows.n')).toBe(false)

      await sql`create unique index once on rows (lower(id))`.execute(db)
      expect(isUniqueViolation(await failureOf(insert('A')), "index 'once'")).toBe(true)
      await sql`create unique index pair on rows (n, text)`.execute(db)
      const pair = await failureOf(
        sql`insert into rows (id, n, text) values ('p', 5, 'x'), ('q', 5, 'x')`.execute(db),
      )
      expect(isUniqueViolation(pair, 'rows.n')).toBe(true)
      expect(isUniqueViolation(pair, 'rows.text')).toBe(true)

      const missing = await failureOf(sql`insert into rows (id) values ('b')`.execute(db))
      expect(missing).toBeInstanceOf(Error)
      expect(isUniqueViolation(missing)).toBe(false)
      expect(isUniqueViolation(new Error('UNIQUE constraint failed: rows.id'))).toBe(false)
    })
  })

  describe(`close on ${database.name}`, () => {
    it('waits for the transaction that is running, can be repeated, and refuses what comes later', async () => {
      const place = await database.place()
      const open = () => openStore<RowsSchema>({ ...place, migrations: [ROWS_MIGRATION] })
      const store = await open()
      let closed: Promise<void> | undefined
      await store.transaction(async (tx) => {
        closed = store.close()
        await tx.insertInto('rows').values({ id: 'late', n: 1 }).execute()
      })
      await closed
      await store.close()
      await expect(store.check()).rejects.toThrow()
      await expect(store.transaction(async () => 1)).rejects.toThrow()
      await expect(store.read(async () => 1)).rejects.toThrow()
      const again = await open()
      onTestFinished(() => again.close())
      expect(await again.db.selectFrom('rows').select('id').execute()).toEqual([{ id: 'late' }])
    })
  })
}
