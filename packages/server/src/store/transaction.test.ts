import { EventEmitter, once } from 'node:events'
import { sql, type Transaction } from 'kysely'
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { DATABASES } from '../testing/databases.ts'
import { ROWS_MIGRATION, type RowsSchema } from '../testing/rows-schema.ts'
import { openStore } from './open-store.ts'
import type { Store } from './store.ts'

type Tx = Transaction<RowsSchema>

for (const database of DATABASES) {
  describe(database.name, () => {
    const sqlite = database.name === 'SQLite'
    let store: Store<RowsSchema>

    beforeEach(async () => {
      const place = await database.place()
      store = await openStore<RowsSchema>({ ...place, migrations: [ROWS_MIGRATION] })
      onTestFinished(() => store.close())
    })

    const insert = (tx: Tx | Store<RowsSchema>['db'], id: string) =>
      tx.insertInto('rows').values({ id, n: 1 }).execute()
    const ids = async () =>
      (await store.db.selectFrom('rows').select('id').orderBy('id').execute()).map((row) => row.id)

    describe('a transaction', () => {
      it('keeps all of its rows or none', async () => {
        await store.transaction(async (tx) => {
          await insert(tx, 'a')
          await insert(tx, 'b')
        })
        const failing = store.transaction(async (tx) => {
          await insert(tx, 'c')
          throw new Error('changed my mind')
        })
        await expect(failing).rejects.toThrow('changed my mind')
        expect(await ids()).toEqual(['a', 'b'])
      })

      it('rolls a changed schema back too', async () => {
        const failing = store.transaction(async (tx) => {
          await tx.schema.createTable('extra').addColumn('id', 'text').execute()
          throw new Error('no')
        })
        await expect(failing).rejects.toThrow('no')
        const tables = await store.db.introspection.getTables()
        expect(tables.map((table) => table.name)).not.toContain('extra')
      })

      it('whose commit fails has kept nothing, and says so', async () => {
        await sql`create table parents (id text primary key)`.execute(store.db)
        await sql`create table children (
      parent text not null references parents (id) deferrable initially deferred
    )`.execute(store.db)
        const failing = store.transaction(async (tx) => {
          await insert(tx, 'a')
          await sql`insert into children (parent) values ('nobody')`.execute(tx)
        })
        await expect(failing).rejects.toThrow(/foreign key constraint/i)
        expect(await ids()).toEqual([])
        await store.transaction((tx) => insert(tx, 'next'))
        expect(await ids()).toEqual(['next'])
      })

      it('returns what its callback returns', async () => {
        expect(await store.transaction(async () => 7)).toBe(7)
      })

      it('goes on after a statement that failed and was handled, or says that it cannot', async () => {
        await insert(store.db, 'a')
        const going = store.transaction(async (tx) => {
          await insert(tx, 'b')
          await insert(tx, 'a').catch(() => {})
          await insert(tx, 'c')
        })
        if (sqlite) {
          await going
          expect(await ids()).toEqual(['a', 'b', 'c'])
          return
        }
        await expect(going).rejects.toThrow('rolled back after a failure that was ignored')
        expect(await ids()).toEqual(['a'])
      })

      it('that ignored the failure of its last statement does not claim to be kept', async () => {
        await insert(store.db, 'a')
        const ending = store.transaction(async (tx) => {
          await insert(tx, 'b')
          await insert(tx, 'a').catch(() => {})
        })
        const kept = await ending.then(
          () => true,
          (error: unknown) => {
            expect(error).toBeInstanceOf(TypeError)
            return false
          },
        )
        expect(await ids()).toEqual(kept ? ['a', 'b'] : ['a'])
        expect(kept).toBe(sqlite)
      })

      it('queues behind the one that is open, in the order of asking', async () => {
        const gate = new EventEmitter()
        const order: string[] = []
        const opened = once(gate, 'opened')
        const first = store.transaction(async (tx) => {
          gate.emit('opened')
          await once(gate, 'go')
          await insert(tx, 'first')
          order.push('first')
        })
        await opened
        const others = ['second', 'third', 'fourth'].map((name) =>
          store.transaction(async (tx) => {
            const seen = await tx.selectFrom('rows').select('id').execute()
            order.push(`${name} sees ${seen.length}`)
            await insert(tx, name)
          }),
        )
        // On SQLite a reader waits for the one connection; on PostgreSQL it never waits for a writer.
        const reader = ids().then((found) => order.push(`a reader sees ${found.length}`))
        if (!sqlite) await reader
        gate.emit('go')
        await Promise.all([first, ...others, reader])
        expect(order).toEqual([
          ...(sqlite ? [] : ['a reader sees 0']),
          'first',
          'second sees 1',
          'third sees 2',
          'fourth sees 3',
          ...(sqlite ? ['a reader sees 4'] : []),
        ])
      })

      it('never loses an update when a hundred of them add one', async () => {
        await store.db.insertInto('rows').values({ id: 'sum', n: 0 }).execute()
        const addOne = () =>
          store.transaction(async (tx) => {
            const row = await tx.selectFrom('rows').select('n').executeTakeFirstOrThrow()
            await new Promise((resolve) => setImmediate(resolve))
            await tx
              .updateTable('rows')
              .set({ n: row.n + 1 })
              .execute()
          })
        await Promise.all(Array.from({ length: 100 }, addOne))
        expect(await store.db.selectFrom('rows').select('n').execute()).toEqual([{ n: 100 }])
      })
    })

    describe('misuse of a transaction is a TypeError at once, never a hang or a lost guarantee', () => {
      it('using db inside the callback', async () => {
        const failing = store.transaction(async (tx) => {
          await insert(tx, 'a')
          await insert(store.db, 'b')
        })
        await expect(failing).rejects.toThrow(TypeError)
        expect(await ids()).toEqual([])
      })

      it('using db inside the callback, behind a function and an await', async () => {
        const audit = async () => {
          await new Promise((resolve) => setImmediate(resolve))
          await insert(store.db, 'audit')
        }
        await expect(store.transaction(() => audit())).rejects.toThrow(TypeError)
      })

      it('opening a transaction inside a transaction', async () => {
        const inner = store.transaction(() => store.transaction(async () => 1))
        await expect(inner).rejects.toThrow(TypeError)
        await expect(
          store.transaction((tx) => tx.transaction().execute(async () => 1)),
        ).rejects.toThrow()
      })

      it('opening a transaction past the guard', async () => {
        await expect(store.db.transaction().execute((tx) => insert(tx, 'a'))).rejects.toThrow(
          TypeError,
        )
        expect(await ids()).toEqual([])
      })

      it('using the transaction after its end', async () => {
        let kept: Tx | undefined
        await store.transaction(async (tx) => {
          kept = tx
        })
        await expect(insert(kept as Tx, 'late')).rejects.toThrow()

        await store
          .transaction(async (tx) => {
            kept = tx
            throw new Error('rolled back')
          })
          .catch(() => {})
        await expect(insert(kept as Tx, 'later')).rejects.toThrow()
        expect(await ids()).toEqual([])
      })

      it('a query that was not awaited is in the transaction or refused, never alone', async () => {
        let forgotten: Promise<unknown> = Promise.resolve()
        await store
          .transaction(async (tx) => {
            await insert(tx, 'a')
            forgotten = Promise.allSettled([insert(tx, 'b'), insert(tx, 'c')])
            throw new Error('rolled back')
          })
          .catch(() => {})
        await forgotten
        expect(await ids()).toEqual([])
      })

      it('going on after the transaction was rolled back behind its back', async () => {
        const failing = store.transaction(async (tx) => {
          await insert(tx, 'a')
          await sql`rollback`.execute(tx)
          await insert(tx, 'b')
        })
        await expect(failing).rejects.toThrow('was rolled back')
        expect(await ids()).toEqual([])
      })

      it('leaves the store usable', async () => {
        await store.transaction(() => insert(store.db, 'x')).catch(() => {})
        await store.transaction((tx) => insert(tx, 'fine'))
        expect(await ids()).toEqual(['fine'])
      })
    })

    describe('what a callback started and left running', () => {
      it('may use db once the transaction is over', async () => {
        const bell = new EventEmitter()
        let later: Promise<unknown> = Promise.resolve()
        await store.transaction(async (tx) => {
          await insert(tx, 'a')
          later = once(bell, 'ring').then(() => insert(store.db, 'b'))
        })
        bell.emit('ring')
        await later
        expect(await ids()).toEqual(['a', 'b'])
      })
    })
  })
}
