import type { Domain } from '../context.ts'
import { isOver } from './limits.ts'

export interface ListedSession {
  id: string
  /** Where it was signed in from. */
  address: string
  createdAt: number
  lastUsedAt: number
}

/** The sessions that an account has now, the latest use first. */
export async function listSessions(
  { store, clock }: Pick<Domain, 'store' | 'clock'>,
  accountId: string,
): Promise<ListedSession[]> {
  const rows = await store.db
    .selectFrom('sessions')
    .where('account_id', '=', accountId)
    .select(['id', 'address', 'created_at', 'last_used_at'])
    .orderBy('last_used_at', 'desc')
    .orderBy('id')
    .execute()
  const now = clock()
  return rows
    .filter((row) => !isOver(row, now))
    .map(({ id, address, created_at: createdAt, last_used_at: lastUsedAt }) => ({
      ...{ id, address, createdAt, lastUsedAt },
    }))
}
