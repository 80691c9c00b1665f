import { errorText, KeyrackError } from '@keyrack/protocol'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { Migration } from './migrations.ts'
import { openStore, type StorePlace } from './store/open-store.ts'
import { DATABASES } from './testing/databases.ts'

const table = (id: number, name: string): Migration => ({
  id,
  name,
  up: (tx) => tx.schema.createTable(name).addColumn('id', 'text').execute(),
})

/** Opens, closes, and returns the report, the tables and the recorded rows. */
async function run(place: StorePlace, migrations: readonly Migration[]) {
  const store = await openStore({ ...place, migrations, now: () => 1_700_000_000_000 })
  const tables = await store.db.introspection.getTables()
  const records = await sql`select * from schema_migrations order by id`.execute(store.db)
  await store.close()
  const own = tables.map((found) => found.name).filter((name) => name !== 'schema_migrations')
  return { report: store.migrated, tables: own, records: records.rows }
}

async function refusal(place: StorePlace, migrations: readonly Migration[]): Promise<string> {
  const error = await openStore({ ...place, migrations }).then(
    () => new Error('it opened'),
    (failure: unknown) => failure,
  )
  expect(error).toBeInstanceOf(KeyrackError)
  return errorText(error as KeyrackError)
}

for (const database of DATABASES) {
  describe(`migrations on ${database.name}`, () => {
    it('run once, in order, each recorded, and report what ran', async () => {
      const place = await database.place()
      const first = await run(place, [table(1, 'a'), table(2, 'b')])
      expect(first.report).toEqual({
        from: 0,
        to: 2,
        ran: [
          { id: 1, name: 'a', milliseconds: 0 },
          { id: 2, name: 'b', milliseconds: 0 },
        ],
      })
      expect(first.records).toEqual([
        { id: 1, name: 'a', applied_at: 1_700_000_000_000 },
        { id: 2, name: 'b', applied_at: 1_700_000_000_000 },
      ])
      const again = await run(place, [table(1, 'a'), table(2, 'b')])
      expect(again.report).toEqual({ from: 2, to: 2, ran: [] })
      const more = await run(place, [table(1, 'a'), table(2, 'b'), table(3, 'c')])
      expect(more.report).toMatchObject({ from: 2, to: 3, ran: [{ id: 3, name: 'c' }] })
      expect(more.tables).toEqual(['a', 'b', 'c'])
    })

    it('can fill tables of the type they say', async () => {
      const place = await database.place()
      const fill: Migration = {
        id: 2,
        name: 'fill',
        async up(tx) {
          await tx.withTables<{ a: { id: string } }>().insertInto('a').values({ id: 'x' }).execute()
        },
      }
      await run(place, [table(1, 'a'), fill])
      const store = await openStore<{ a: { id: string } }>({
        ...place,
        migrations: [table(1, 'a'), fill],
      })
      onTestFinished(() => store.close())
      expect(await store.db.selectFrom('a').selectAll().execute()).toEqual([{ id: 'x' }])
    })

    it('leave nothing of one that fails, keep those before it, and go on when it is repaired', async () => {
      const place = await database.place()
      const failing: Migration = {
        id: 2,
        name: 'b',
        async up(tx) {
          await table(2, 'b').up(tx)
          await sql`insert into nowhere values (1)`.execute(tx)
        },
      }
      const migrations = [table(1, 'a'), failing, table(3, 'c')]
      await expect(openStore({ ...place, migrations })).rejects.toThrow(/nowhere/)
      expect(await run(place, [table(1, 'a')])).toMatchObject({
        report: { from: 1, to: 1 },
        tables: ['a'],
      })
      const repaired = await run(place, [table(1, 'a'), table(2, 'b'), table(3, 'c')])
      expect(repaired.report).toMatchObject({ from: 1, to: 3 })
    })

    it('of a newer version are refused with both numbers and what to do', async () => {
      const place = await database.place()
      await run(place, [table(1, 'a'), table(2, 'b'), table(3, 'c')])
      const text = await refusal(place, [table(1, 'a')])
      expect(text).toContain('schema 3')
      expect(text).toContain('only up to 1')
      expect(text).toContain('start the newer version again')
      expect((await run(place, [table(1, 'a'), table(2, 'b'), table(3, 'c')])).report.ran).toEqual(
        [],
      )
    })

    it('of another name are refused: the file belongs to another server', async () => {
      const place = await database.place()
      await run(place, [table(1, 'a'), table(2, 'b')])
      const text = await refusal(place, [table(1, 'a'), table(2, 'other')])
      expect(text).toContain('migration 2 (b) where this version has 2 (other)')
    })

    it('with a gap in what the database records are refused', async () => {
      const place = await database.place()
      await run(place, [table(1, 'a'), table(2, 'b'), table(3, 'c')])
      const store = await openStore({
        ...place,
        migrations: [table(1, 'a'), table(2, 'b'), table(3, 'c')],
      })
      await sql`delete from schema_migrations where id = 2`.execute(store.db)
      await store.close()
      const text = await refusal(place, [table(1, 'a'), table(2, 'b'), table(3, 'c')])
      expect(text).toContain('migration 3 (c) where this version has 2 (b)')
    })

    it('that are numbered wrongly in the program are its mistake', async () => {
      for (const migrations of [[table(2, 'a')], [table(1, 'a'), table(1, 'b')]]) {
        await expect(openStore({ ...(await database.place()), migrations })).rejects.toThrow(
          TypeError,
        )
      }
    })

    // On SQLite the folder lock keeps a second server away.
    if (database.name === 'PostgreSQL') {
      it('run once when several servers start at the same time', async () => {
        const place = await database.place()
        const migrations = [table(1, 'a'), table(2, 'b'), table(3, 'c')]
        const stores = await Promise.all([1, 2, 3].map(() => openStore({ ...place, migrations })))
        const ran = stores.flatMap((store) => store.migrated.ran.map(({ id }) => id))
        expect(ran.sort()).toEqual([1, 2, 3])
        expect(stores.map((store) => store.migrated.to)).toEqual([3, 3, 3])
        for (const store of stores) await store.close()
      })
    }
  })
}
