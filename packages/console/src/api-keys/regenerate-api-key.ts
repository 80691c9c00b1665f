import type { Secret } from '@keyrack/secrets'
import type { Domain, RequestContext } from '../context.ts'

/** Replaces the account's one API key. The old one is refused from the moment this resolves. */
export async function regenerateApiKey(
  _domain: Domain,
  _accountId: string,
  _request: RequestContext,
): Promise<{ apiKey: Secret; lastFour: string }> {
  throw new TypeError('not written yet')
}
