/**
 * How many keys a Rack has had. Each of its answers says it; a number that no roll of this Console
 * explains means that somebody else changed the key, or that the Rack was restored from a backup.
 */
import type { Kysely } from 'kysely'
import type { Tx } from '../context.ts'
import type { Database } from '../database/schema.ts'

export async function readGeneration(
  db: Kysely<Database>,
  rackId: string,
): Promise<number | undefined> {
  const row = await db
    .selectFrom('rack_key_generations')
    .where('rack_id', '=', rackId)
    .select('generation')
    .executeTakeFirst()
  return row?.generation
}

export async function writeGeneration(tx: Tx, rackId: string, generation: number): Promise<void> {
  await tx
    .insertInto('rack_key_generations')
    .values({ rack_id: rackId, generation })
    .onConflict((conflict) => conflict.column('rack_id').doUpdateSet({ generation }))
    .execute()
}

/** The next answer of the Rack is believed, whatever it says. */
export async function forgetGeneration(tx: Tx, rackId: string): Promise<void> {
  await tx.deleteFrom('rack_key_generations').where('rack_id', '=', rackId).execute()
}
