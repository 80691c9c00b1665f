import type { Secret } from '@keyrack/secrets'
import type { Domain, RequestContext, Tx } from '../context.ts'

export interface NewSession {
  /** The cookie's value. */
  token: Secret
  /** The absolute limit, in milliseconds since 1970. */
  expiresAt: number
}

export async function createSession(
  _domain: Domain,
  _accountId: string,
  _request: RequestContext,
  _tx?: Tx,
): Promise<NewSession> {
  throw new TypeError('not written yet')
}
