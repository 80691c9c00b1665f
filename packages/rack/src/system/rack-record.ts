import { randomUUID } from 'node:crypto'
import type { CanaryRow, Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'

/** What this Rack knows about itself from its first start on. */
export interface RackRecord {
  id: string
  port: number | undefined
  instanceCount: number
}

const INSTANCE_COUNT = 3

/** Reads the Rack's one row, or writes it at the first start. */
export async function loadRackRecord(
  store: Store<RackSchema>,
  now: () => number = Date.now,
): Promise<RackRecord> {
  await store.db
    .insertInto('rack')
    .values({
      singleton: 1,
      id: randomUUID(),
      port: null,
      instance_count: INSTANCE_COUNT,
      canary: null,
      created_at: now(),
    })
    .onConflict((conflict) => conflict.column('singleton').doNothing())
    .execute()
  const row = await store.db.selectFrom('rack').selectAll().executeTakeFirstOrThrow()
  return { id: row.id, port: row.port ?? undefined, instanceCount: row.instance_count }
}

/** Clients and Consoles pin the address of this Rack, so a port once chosen is kept. */
export async function rememberPort(store: Store<RackSchema>, port: number): Promise<void> {
  await store.db.updateTable('rack').set({ port }).execute()
}

/** Where the text that proves the master key is kept. */
export function canaryRow(store: Store<RackSchema>): CanaryRow {
  return {
    async read() {
      const row = await store.db.selectFrom('rack').select('canary').executeTakeFirst()
      return row?.canary ?? undefined
    },
    async write(sealed) {
      await store.db.updateTable('rack').set({ canary: sealed }).execute()
    },
  }
}
