import { KeyrackError } from '@keyrack/protocol'
import { type Keyring, lastFour, type Secret } from '@keyrack/secrets'
import { findByEmail, type StoredPassword } from '../accounts/find-by-email.ts'
import { liftLimit } from '../accounts/sign-in-limit.ts'
import { signInSubject } from '../accounts/sign-in-subject.ts'
import { recordAccountEvent } from '../audit/account-event.ts'
import type { Domain, RequestContext } from '../context.ts'
import type { LastUses } from '../key-uses/last-uses.ts'
import { endTokensOf } from '../rack-access/end-tokens-of.ts'
import { issueApiKey } from './issue-api-key.ts'
import { copyOf, keepCopy, parseRollId } from './key-roll.ts'

export interface RegenerateDomain extends Domain {
  keyring: Keyring
  uses: Pick<LastUses, 'wasUsed'>
}

export interface Regeneration {
  /** Asked again with the same one, the answer is the same key, until that is used or a day old. */
  roll?: string | undefined
  /** The password that was verified for this very request: without it no key is shown again. */
  proof?: StoredPassword | undefined
}

export interface Regenerated {
  apiKey: Secret
  lastFour: string
  /** True when an earlier request had made it. */
  again: boolean
}

/** Replaces the account's one API key. The old one is refused from the moment this resolves. */
export async function regenerateApiKey(
  domain: RegenerateDomain,
  accountId: string,
  request: RequestContext,
  { roll: given, proof }: Regeneration = {},
): Promise<Regenerated> {
  const account = domain.directory.accountById(accountId)
  if (account === undefined) throw new KeyrackError('not-found', 'this account does not exist')
  const roll = given === undefined ? undefined : parseRollId(given)
  const now = domain.clock()
  const { apiKey, again } = await domain.commit(async (tx) => {
    const record = (action: string) => recordAccountEvent(domain, account, action, request, tx)
    if (proof !== undefined) {
      // It may have been changed while it was verified.
      const stored = await findByEmail(tx, account.email)
      if (stored?.password_hash !== proof.password_hash) throw passwordNeeded()
    }
    const copy = roll === undefined ? undefined : await copyOf(tx, domain, { accountId, roll, now })
    if (copy !== undefined) {
      // A session that was left open, or a key lying around, must not show another key.
      if (proof === undefined) throw passwordNeeded()
      const apiKey = copy()
      await record('api-key.show-again')
      return { apiKey, again: true }
    }
    await record('api-key.regenerate')
    // Whoever can do this is the owner, whatever strangers did to the password's limit.
    await liftLimit(tx, signInSubject(account.email))
    const because = `${account.email} regenerated their API key`
    await endTokensOf(tx, { accountId, now, because })
    const apiKey = await issueApiKey(tx, accountId, now)
    if (roll !== undefined) {
      await keepCopy(tx, domain.keyring, { accountId, roll, key: apiKey, now })
    }
    return { apiKey, again: false }
  })
  return { apiKey, lastFour: lastFour(apiKey), again }
}

function passwordNeeded(): KeyrackError {
  return new KeyrackError(
    'invalid',
    'your key was made already; it is shown again for the password',
    {
      field: 'password',
      hint: 'send the password that you sign in with, or another roll id for a new key',
    },
  )
}
