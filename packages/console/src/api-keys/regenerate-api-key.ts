import { KeyrackError } from '@keyrack/protocol'
import { lastFour, type Secret } from '@keyrack/secrets'
import { liftLimit } from '../accounts/sign-in-limit.ts'
import { signInSubject } from '../accounts/sign-in-subject.ts'
import { recordAccountEvent } from '../audit/account-event.ts'
import type { Domain, RequestContext } from '../context.ts'
import { issueApiKey } from './issue-api-key.ts'

/** Replaces the account's one API key. The old one is refused from the moment this resolves. */
export async function regenerateApiKey(
  domain: Domain,
  accountId: string,
  request: RequestContext,
): Promise<{ apiKey: Secret; lastFour: string }> {
  const account = domain.directory.accountById(accountId)
  if (account === undefined) throw new KeyrackError('not-found', 'this account does not exist')
  const apiKey = await domain.commit(async (tx) => {
    await recordAccountEvent(domain, account, 'api-key.regenerate', request, tx)
    // Whoever can do this is the owner, whatever strangers did to the password's limit.
    await liftLimit(tx, signInSubject(account.email))
    return issueApiKey(tx, accountId, domain.clock())
  })
  return { apiKey, lastFour: lastFour(apiKey) }
}
