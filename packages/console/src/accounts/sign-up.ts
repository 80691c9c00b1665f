import type { Secret } from '@keyrack/secrets'
import type { Domain, RequestContext } from '../context.ts'
import type { OrganizationEntry, Role } from '../directory.ts'

export interface SignUpInput {
  email: string
  password: Secret
  /** Required for the first account and for an invitation that brings a new organization. */
  organization?: string | undefined
  invitation?: string | undefined
  setupToken?: string | undefined
}

export interface SignedUp {
  id: string
  email: string
  organization: OrganizationEntry
  role: Role
  /** Shown once. */
  apiKey: Secret
}

export async function signUp(
  _domain: Domain,
  _input: SignUpInput,
  _request: RequestContext,
): Promise<SignedUp> {
  throw new TypeError('not written yet')
}
