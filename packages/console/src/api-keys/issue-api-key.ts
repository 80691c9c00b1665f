import { hashApiKey, lastFour, mintApiKey, type Secret } from '@keyrack/secrets'
import type { Tx } from '../context.ts'
import { replaceCredential } from '../vault/write-credential.ts'

/** Gives an account its one key, in place of the one it had. The key itself is never stored. */
export async function issueApiKey(tx: Tx, accountId: string, now: number): Promise<Secret> {
  const key = mintApiKey('user')
  const stored = { hash: hashApiKey(key), last_four: lastFour(key), created_at: now }
  await replaceCredential(tx, 'api_keys', accountId, () =>
    tx
      .insertInto('api_keys')
      .values({ account_id: accountId, ...stored })
      .onConflict((conflict) => conflict.column('account_id').doUpdateSet(stored))
      .execute(),
  )
  return key
}
