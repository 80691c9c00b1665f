import type { Domain } from '../context.ts'

/** What may be shown of an account's key. */
export async function describeApiKey(
  domain: Pick<Domain, 'store'>,
  accountId: string,
): Promise<{ lastFour: string; createdAt: number } | undefined> {
  const row = await domain.store.db
    .selectFrom('api_keys')
    .where('account_id', '=', accountId)
    .select(['last_four', 'created_at'])
    .executeTakeFirst()
  return row === undefined ? undefined : { lastFour: row.last_four, createdAt: row.created_at }
}
