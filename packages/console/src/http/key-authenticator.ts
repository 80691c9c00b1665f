import { KeyThrottle } from '@keyrack/server'
import type { ConsoleContext } from '../context.ts'
import type { Actor } from '../directory.ts'
import { authenticateUser } from '../proxy/authenticate-user.ts'

/** Who is behind an `Authorization` header; throws `unauthenticated` or `throttled`. */
export type KeyAuthenticator = (authorization: string | undefined, address: string) => Actor

/** One for the proxy and our own routes together: a wrong key counts wherever it is presented. */
export function createKeyAuthenticator({
  directory,
  clock,
}: Pick<ConsoleContext, 'directory' | 'clock'>): KeyAuthenticator {
  const throttle = new KeyThrottle()
  return (authorization, address) =>
    authenticateUser({ directory, throttle, now: clock }, authorization, address)
}
