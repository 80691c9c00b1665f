import type { Domain, Tx } from '../context.ts'

/** Ends the session of a cookie's value; an unknown one is not an error. */
export async function endSession(_domain: Domain, _token: string): Promise<void> {
  throw new TypeError('not written yet')
}

/** Ends every session of an account, as at a password change. */
export async function endSessionsOf(_tx: Tx, _accountId: string): Promise<void> {
  throw new TypeError('not written yet')
}
