import { KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { checkPassword } from './check-password.ts'
import type { StoredPassword } from './find-by-email.ts'
import { rememberAddress } from './sign-in-limit.ts'

/**
 * Asks somebody who is known already for the password once more: a key that was found lying around
 * does not have it. A wrong one counts like one at sign-in, and is not a refusal of the key.
 */
export async function confirmPassword(
  domain: Domain,
  account: AccountEntry,
  password: Secret,
  request: RequestContext,
): Promise<StoredPassword> {
  const { subject, stored } = await checkPassword(domain, account.email, password, request).catch(
    (error: unknown) => {
      if (!(error instanceof KeyrackError) || error.code !== 'unauthenticated') throw error
      throw new KeyrackError('invalid', 'the password is wrong', {
        field: 'password',
        hint: 'it is the one you sign in with on the page, not the API key',
      })
    },
  )
  await domain.store.transaction((tx) =>
    rememberAddress(tx, subject, request.address, domain.clock()),
  )
  domain.throttle.succeeded(subject, request.address)
  return stored
}
