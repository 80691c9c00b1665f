import { mintToken, type Secret, sha256Hex } from '@keyrack/secrets'
import type { Domain, RequestContext, Tx } from '../context.ts'
import { newId } from '../new-id.ts'
import { ABSOLUTE_MS, IDLE_MS } from './limits.ts'

export interface NewSession {
  /** The cookie's value. */
  token: Secret
  /** The absolute limit, in milliseconds since 1970. */
  expiresAt: number
}

/** Only the token's hash is stored: a copy of the database signs nobody in. */
export async function createSession(
  domain: Pick<Domain, 'store' | 'clock'>,
  accountId: string,
  request: RequestContext,
  tx?: Tx,
): Promise<NewSession> {
  const token = mintToken(32)
  const now = domain.clock()
  const write = async (open: Tx): Promise<void> => {
    await open
      .deleteFrom('sessions')
      .where((row) =>
        row.or([
          row('last_used_at', '<=', now - IDLE_MS),
          row('created_at', '<=', now - ABSOLUTE_MS),
        ]),
      )
      .execute()
    await open
      .insertInto('sessions')
      .values({
        id: newId(),
        token_hash: sha256Hex(token.reveal()),
        account_id: accountId,
        address: request.address,
        created_at: now,
        last_used_at: now,
      })
      .execute()
  }
  if (tx === undefined) await domain.store.transaction(write)
  else await write(tx)
  return { token, expiresAt: now + ABSOLUTE_MS }
}
