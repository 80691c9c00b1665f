import type { CanaryRow, Store } from '@keyrack/server'
import type { Database } from './schema.ts'

/** One sealed value that shows at start whether the master keys are those of this database. */
export function canaryRow(store: Pick<Store<Database>, 'db' | 'transaction'>): CanaryRow {
  return {
    async read() {
      const row = await store.db.selectFrom('canary').select('sealed').executeTakeFirst()
      return row?.sealed
    },
    async write(sealed) {
      await store.transaction((tx) =>
        tx
          .insertInto('canary')
          .values({ id: 'canary', sealed })
          .onConflict((conflict) => conflict.column('id').doNothing())
          .execute(),
      )
    },
  }
}
