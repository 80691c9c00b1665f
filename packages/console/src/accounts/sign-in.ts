import { KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import { recordAccountEvent } from '../audit/account-event.ts'
import type { Domain, RequestContext, Tx } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { createSession, type NewSession } from '../sessions/create.ts'
import { comparableEmail } from './email.ts'
import { countAttempt, rememberAddress } from './sign-in-limit.ts'
import { signInSubject } from './sign-in-subject.ts'

export interface SignInInput {
  email: string
  password: Secret
}

export interface SignedIn {
  account: AccountEntry
  /** Always a new one: what was in the browser before is not promoted. */
  session: NewSession
}

/** Longer than any e-mail or password that sign-up accepts. */
const TEXT_MAX = 8192

/** Throws `unauthenticated` with one text for every reason, or `throttled` with the seconds to wait. */
export async function signIn(
  domain: Domain,
  input: SignInInput,
  request: RequestContext,
): Promise<SignedIn> {
  if (input.email.length > TEXT_MAX || input.password.reveal().length > TEXT_MAX) throw refused()
  const email = comparableEmail(input.email)
  const subject = signInSubject(email)
  domain.throttle.attempt(subject, request.address)
  const { allowed, stored } = await domain.store.transaction(async (tx) => ({
    allowed: await countAttempt(tx, subject, request.address, domain.clock()),
    stored: await passwordOf(tx, email),
  }))
  if (!allowed) throw limited()
  if (!(await domain.passwords.verify(stored?.password_hash, input.password))) {
    domain.log.warn({ requestId: request.requestId, address: request.address }, 'sign-in refused')
    throw refused()
  }
  // An account that is not known was made on another Console a moment ago.
  if (domain.directory.accountById(stored?.id ?? '') === undefined) await domain.freshness.newest()
  const signedIn = await domain.store.transaction(async (tx) => {
    // The password may have been changed, and its sessions ended, while this one was verified.
    const now = await passwordOf(tx, email)
    const account = domain.directory.accountById(now?.id ?? '')
    if (account === undefined || now?.password_hash !== stored?.password_hash) return undefined
    await rememberAddress(tx, subject, request.address, domain.clock())
    await recordAccountEvent(domain, account, 'account.sign-in', request, tx)
    return { account, session: await createSession(domain, account.id, request, tx) }
  })
  if (signedIn === undefined) throw refused()
  domain.throttle.succeeded(subject, request.address)
  return signedIn
}

function passwordOf(tx: Tx, email: string) {
  return tx
    .selectFrom('accounts')
    .where('email', '=', email)
    .select(['id', 'password_hash'])
    .executeTakeFirst()
}

function refused(): KeyrackError {
  return new KeyrackError('unauthenticated', 'the e-mail address or the password is wrong', {
    hint: 'this is the password you chose at sign-up, not the API key',
  })
}

function limited(): KeyrackError {
  return new KeyrackError(
    'throttled',
    'too many wrong passwords were given for this e-mail address, so it is refused from new addresses',
    {
      hint: 'sign in from where you signed in before, or regenerate your API key with the key you have',
      retryAfterSeconds: 3600,
    },
  )
}
