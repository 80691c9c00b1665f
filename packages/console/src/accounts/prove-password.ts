import type { Secret } from '@keyrack/secrets'
import type { Domain, RequestContext } from '../context.ts'
import { checkPassword, passwordRefused, TEXT_MAX } from './check-password.ts'
import type { StoredPassword } from './find-by-email.ts'
import { rememberAddress } from './sign-in-limit.ts'

/** For one request of somebody without a key or a session; slowed down and limited like a sign-in. */
export async function provePassword(
  domain: Domain,
  email: string,
  password: Secret,
  request: RequestContext,
): Promise<StoredPassword> {
  if (email.length > TEXT_MAX) throw passwordRefused()
  const checked = await checkPassword(domain, email, password, request)
  const { subject, stored } = checked
  // An account that is not known was made on another Console a moment ago.
  if (domain.directory.accountById(stored.id) === undefined) await domain.freshness.newest()
  await domain.store.transaction((tx) =>
    rememberAddress(tx, subject, request.address, domain.clock()),
  )
  domain.throttle.succeeded(subject, request.address)
  return stored
}
