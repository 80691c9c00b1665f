import type { Secret } from '@keyrack/secrets'
import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import type { NewSession } from '../sessions/create.ts'

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
  _domain: Domain,
  _input: SignInInput,
  _request: RequestContext,
): Promise<SignedIn> {
  throw new TypeError('not written yet')
}
