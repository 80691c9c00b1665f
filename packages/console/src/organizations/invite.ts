import type { Secret } from '@keyrack/secrets'
import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry, Role } from '../directory.ts'

export interface InviteInput {
  /** The organization the newcomer joins; absent: the newcomer names a new one (server administrators only). */
  organization?: string | undefined
  /** Default `developer`; meaningless without an organization. */
  role?: Role | undefined
  /** Binds the invitation to one e-mail address. */
  email?: string | undefined
}

export interface Invitation {
  id: string
  /** Shown once. */
  token: Secret
  expiresAt: number
  organization?: string
  role?: Role
  email?: string
}

export async function invite(
  _domain: Domain,
  _actor: AccountEntry,
  _input: InviteInput,
  _request: RequestContext,
): Promise<Invitation> {
  throw new TypeError('not written yet')
}
