import { hashApiKey, lastFour, mintApiKey, type Secret } from '@keyrack/secrets'
import type { Tx } from '../context.ts'
import { replaceCredential } from '../vault/write-credential.ts'

/**
 * Gives an account its one key, in place of the one it had, whose sealed copy and last use end with
 * it. The key itself is never stored.
 */
export async function issueApiKey(tx: Tx, accountId: string, now: number): Promise<Secret> {
  const key = mintApiKey('user')
  const stored = { hash: hashApiKey(key), last_four: lastFour(key), created_at: now }
  await tx
    .deleteFrom('key_uses')
    .where('key_hash', 'in', (query) =>
      query.selectFrom('api_keys').select('hash').where('account_id', '=', accountId),
    )
    .execute()
  await tx
    .updateTable('api_key_rolls')
    .set({ sealed_key: null })
    .where('account_id', '=', accountId)
    .execute()
  await replaceCredential(tx, 'api_keys', accountId, () =>
    tx
      .insertInto('api_keys')
      .values({ account_id: accountId, ...stored })
      .onConflict((conflict) => conflict.column('account_id').doUpdateSet(stored))
      .execute(),
  )
  return key
}
