import type { Secret } from '@keyrack/secrets'
import { recordAccountEvent } from '../audit/account-event.ts'
import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { createSession, type NewSession } from '../sessions/create.ts'
import { checkPassword, passwordRefused, TEXT_MAX } from './check-password.ts'
import { findByEmail } from './find-by-email.ts'
import { rememberAddress } from './sign-in-limit.ts'

export interface SignInInput {
  email: string
  password: Secret
}

export interface SignedIn {
  account: AccountEntry
  /** Always a new one: what was in the browser before is not promoted. */
  session: NewSession
}

/** Throws `unauthenticated` with one text for every reason, or `throttled` with the seconds to wait. */
export async function signIn(
  domain: Domain,
  input: SignInInput,
  request: RequestContext,
): Promise<SignedIn> {
  if (input.email.length > TEXT_MAX) throw passwordRefused()
  const { email } = input
  const { subject, stored } = await checkPassword(domain, email, input.password, request)
  // An account that is not known was made on another Console a moment ago.
  if (domain.directory.accountById(stored.id) === undefined) await domain.freshness.newest()
  const signedIn = await domain.store.transaction(async (tx) => {
    // The password may have been changed, and its sessions ended, while this one was verified.
    const now = await findByEmail(tx, email)
    const account = domain.directory.accountById(now?.id ?? '')
    if (account === undefined || now?.password_hash !== stored.password_hash) return undefined
    await rememberAddress(tx, subject, request.address, domain.clock())
    await recordAccountEvent(domain, account, 'account.sign-in', request, tx)
    return { account, session: await createSession(domain, account.id, request, tx) }
  })
  if (signedIn === undefined) throw passwordRefused()
  domain.throttle.succeeded(subject, request.address)
  return signedIn
}
