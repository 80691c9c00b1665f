import type { Domain } from '../context.ts'
import type { AccountEntry } from '../directory.ts'

export interface Session {
  id: string
  account: AccountEntry
  createdAt: number
  expiresAt: number
}

/** The session of a cookie's value, or undefined when it is unknown, ended, idle too long or too old. */
export async function findSession(_domain: Domain, _token: string): Promise<Session | undefined> {
  throw new TypeError('not written yet')
}
