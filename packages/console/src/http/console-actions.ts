import type { Secret } from '@keyrack/secrets/secret'

/** What the edge knows about a request, for audit rows and throttles. */
export interface RequestContext {
  requestId: string
  /** The peer's address, or what a trusted proxy says it is. */
  address: string
  /** The account that asks; null before sign-in. */
  actor: { id: string | null; name: string }
}

export interface SignUpInput {
  email: string
  password: Secret
  organization?: string
  invitation?: Secret
  setupToken?: Secret
}

export interface SignedUp {
  id: string
  email: string
  apiKey: Secret
  organization: { id: string; name: string }
}

export interface AccountView {
  id: string
  email: string
  serverAdministrator: boolean
  organizations: ReadonlyArray<{ id: string; name: string; role: string }>
  apiKey: { lastFour: string; createdAt: number } | undefined
}

export interface InvitationInput {
  email?: string
  /** Name or id; may be left out by who administers exactly one. */
  organization?: string
  role?: string
}

/**
 * The domain as pages and the JSON API see it: the composition root binds these to the functions
 * of accounts/, api-keys/, organizations/ and sessions/. Every one throws KeyrackError with the
 * `field` set to the name used here (`email`, `password`, `organization`, `invitation`,
 * `setup_token`, `role`) when one input is at fault.
 */
export interface ConsoleActions {
  /** False until the first account exists. */
  hasAccounts(): Promise<boolean>
  signUp(input: SignUpInput, context: RequestContext): Promise<SignedUp>
  /** Verifies the password (throttled; one text for unknown address and wrong password). */
  signIn(
    input: { email: string; password: Secret },
    context: RequestContext,
  ): Promise<{ id: string }>
  /** A new session for an account; the token goes into the cookie and nowhere else. */
  startSession(accountId: string, context: RequestContext): Promise<Secret>
  /** Undefined when unknown, ended or expired. */
  sessionAccountId(token: Secret): Promise<string | undefined>
  endSession(token: Secret, context: RequestContext): Promise<void>
  account(accountId: string): Promise<AccountView>
  regenerateApiKey(accountId: string, context: RequestContext): Promise<Secret>
  invite(
    accountId: string,
    input: InvitationInput,
    context: RequestContext,
  ): Promise<{ id: string; token: Secret; expiresAt: number }>
}
