import { KeyThrottle } from '@keyrack/server'
import type { ConsoleContext } from '../context.ts'
import type { Actor } from '../directory.ts'
import { authenticateUser } from '../proxy/authenticate-user.ts'

/** Who is behind an `Authorization` header; throws `unauthenticated` or `throttled`. */
export type KeyAuthenticator = (
  authorization: string | undefined,
  address: string,
  /** What the client calls itself: the `User-Agent`, kept with the last use of the key. */
  client: string | undefined,
) => Actor

/** One for the proxy and our own routes together: a wrong key counts wherever it is presented. */
export function createKeyAuthenticator({
  directory,
  clock,
  uses,
}: Pick<ConsoleContext, 'directory' | 'clock' | 'uses'>): KeyAuthenticator {
  const throttle = new KeyThrottle()
  return (authorization, address, client) => {
    const used = (hash: string) => uses.note(hash, address, client)
    return authenticateUser({ directory, throttle, now: clock, used }, authorization, address)
  }
}
