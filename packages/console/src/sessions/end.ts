import { sha256Hex } from '@keyrack/secrets'
import type { Domain, Tx } from '../context.ts'

/** Ends the session of a cookie's value; an unknown one is not an error. */
export async function endSession(domain: Pick<Domain, 'store'>, token: string): Promise<void> {
  await domain.store.transaction((tx) =>
    tx.deleteFrom('sessions').where('token_hash', '=', sha256Hex(token)).execute(),
  )
}

/** Ends every session of an account, as at a password change. */
export async function endSessionsOf(tx: Tx, accountId: string): Promise<void> {
  await tx.deleteFrom('sessions').where('account_id', '=', accountId).execute()
}

/** Ends every session of an account but one. */
export async function endOtherSessions(
  { store }: Pick<Domain, 'store'>,
  accountId: string,
  keep: string,
): Promise<void> {
  await store.transaction((tx) =>
    tx.deleteFrom('sessions').where('account_id', '=', accountId).where('id', '!=', keep).execute(),
  )
}
