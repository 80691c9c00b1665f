import type { Kysely } from 'kysely'
import type { Tx } from '../context.ts'
import type { Database } from '../database/schema.ts'

/** Until it is reconciled with its Racks, a restored Console begins nothing by itself. */
export async function pause(tx: Tx, reason: string, now: () => number = Date.now): Promise<void> {
  await tx.deleteFrom('pause').execute()
  await tx.insertInto('pause').values({ id: 1, since: now(), reason }).execute()
}

/** Why the Console is paused, or undefined. */
export async function pauseOf(db: Kysely<Database>): Promise<string | undefined> {
  const row = await db.selectFrom('pause').select('reason').executeTakeFirst()
  return row?.reason
}

export async function endPause(tx: Tx): Promise<void> {
  await tx.deleteFrom('pause').execute()
}
