import type { Kysely } from 'kysely'
import type { Tx } from '../context.ts'
import type { Database } from './schema.ts'

/** The number of the last write to what the directory shows. */
export async function readDirectoryVersion(db: Kysely<Database>): Promise<number> {
  const row = await db.selectFrom('directory_version').select('version').executeTakeFirstOrThrow()
  return row.version
}

/** To be called in each transaction that makes such a write; the answer is its own number. */
export async function nextDirectoryVersion(tx: Tx): Promise<number> {
  const row = await tx
    .updateTable('directory_version')
    .set((current) => ({ version: current('version', '+', 1) }))
    .returning('version')
    .executeTakeFirstOrThrow()
  return row.version
}
