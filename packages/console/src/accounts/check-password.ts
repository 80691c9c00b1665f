import { KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import type { Domain, RequestContext } from '../context.ts'
import { findByEmail, type StoredPassword } from './find-by-email.ts'
import { countAttempt } from './sign-in-limit.ts'
import { signInSubject } from './sign-in-subject.ts'

/** Longer than any e-mail or password that sign-up accepts. */
export const TEXT_MAX = 8192

/**
 * Verifies a password with all that slows down guessing. The attempt stays counted as failed until
 * the caller has acted on it (`rememberAddress`, `throttle.succeeded`). Throws `unauthenticated`
 * with one text for every reason, or `throttled`.
 */
export async function checkPassword(
  domain: Domain,
  email: string,
  password: Secret,
  request: RequestContext,
): Promise<{ subject: string; stored: StoredPassword }> {
  if (password.reveal().length > TEXT_MAX) throw passwordRefused()
  const subject = signInSubject(email)
  domain.throttle.attempt(subject, request.address)
  const { allowed, stored } = await domain.store.transaction(async (tx) => ({
    allowed: await countAttempt(tx, subject, request.address, domain.clock()),
    stored: await findByEmail(tx, email),
  }))
  if (!allowed) {
    if (stored !== undefined) domain.refusedSignIns.add(stored.email, request)
    throw limited()
  }
  const right = await domain.passwords.verify(stored?.password_hash, password)
  if (right && stored !== undefined) return { subject, stored }
  if (stored !== undefined) domain.refusedSignIns.add(stored.email, request)
  domain.log.warn({ requestId: request.requestId, address: request.address }, 'sign-in refused')
  throw passwordRefused()
}

export function passwordRefused(): KeyrackError {
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
