import { KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import { isUniqueViolation } from '@keyrack/server'
import { issueApiKey } from '../api-keys/issue-api-key.ts'
import type { Domain, RequestContext, Tx } from '../context.ts'
import type { OrganizationEntry, Role } from '../directory.ts'
import { newId } from '../new-id.ts'
import { chosenOrganization } from '../organizations/chosen-organization.ts'
import { insertOrganization } from '../organizations/insert-organization.ts'
import { findInvitation, redeemInvitation } from '../organizations/redeem-invitation.ts'
import { adoptLocalRack } from '../racks/adopt-local-rack.ts'
import { checkNewPassword } from './check-new-password.ts'
import { parseEmail } from './email.ts'
import { findByEmail } from './find-by-email.ts'
import { invitationNeeded, refuseStranger } from './may-sign-up.ts'
import { rememberAddress } from './sign-in-limit.ts'
import { signInSubject } from './sign-in-subject.ts'

export interface SignUpInput {
  email: string
  password: Secret
  /** Required for the first account and for an invitation that brings a new organization. */
  organization?: string | undefined
  invitation?: string | undefined
  setupToken?: string | undefined
  /** The request shows that somebody passed it on: the first account then needs the setup token. */
  throughProxy?: boolean | undefined
}

export interface SignedUp {
  id: string
  email: string
  organization: OrganizationEntry
  role: Role
  /** Shown once. */
  apiKey: Secret
}

/** What is known once all input is checked and the password is hashed. */
interface Newcomer {
  id: string
  email: string
  passwordHash: string
  /** Undefined for the first account. */
  invitation: string | undefined
  organizationName: string
}

export async function signUp(
  domain: Domain,
  input: SignUpInput,
  request: RequestContext,
): Promise<SignedUp> {
  const invitation = given(input.invitation)
  if (invitation === undefined) {
    const { throughProxy = false } = input
    refuseStranger(domain, { setupToken: given(input.setupToken), throughProxy })
  }
  const email = parseEmail(input.email)
  const open = invitation && (await findInvitation(domain, invitation, email))
  const organizationName = chosenOrganization(given(input.organization), open || undefined)
  checkNewPassword(input.password, email, [organizationName])
  const passwordHash = await domain.passwords.hash(input.password)
  const newcomer = { id: newId(), email, passwordHash, invitation, organizationName }
  return domain.commit((tx) => admit(domain, tx, newcomer, request))
}

/** Everything an account is made of, or nothing. */
async function admit(
  domain: Domain,
  tx: Tx,
  newcomer: Newcomer,
  request: RequestContext,
): Promise<SignedUp> {
  const { id, email } = newcomer
  const now = domain.clock()
  const invitation =
    newcomer.invitation === undefined
      ? undefined
      : await redeemInvitation(tx, newcomer.invitation, email, now)
  await insertAccount(tx, newcomer, now)
  const organization =
    invitation?.organization ?? (await insertOrganization(tx, newcomer.organizationName, now))
  const role = invitation?.role ?? 'administrator'
  await tx
    .insertInto('memberships')
    .values({ organization_id: organization.id, account_id: id, role, created_at: now })
    .execute()
  const apiKey = await issueApiKey(tx, id, now)
  await rememberAddress(tx, signInSubject(email), request.address, now)
  const event = {
    organizationId: organization.id,
    actor: { id, name: email },
    requestId: request.requestId,
    address: request.address,
  }
  const how = invitation === undefined ? 'first account' : `invitation ${invitation.id}`
  const outcome = { status: 201, note: `${how}, role ${role}` }
  await domain.audit.record({ ...event, action: 'account.sign-up', target: email }, outcome, tx)
  if (invitation === undefined) {
    const rack = await adoptLocalRack(tx, organization)
    if (rack !== undefined) {
      const target = `${organization.name}/${rack.name}`
      const adoption = { ...event, action: 'rack.adopt', target, rackId: rack.id }
      await domain.audit.record(adoption, { status: 200 }, tx)
    }
  }
  return { id, email, organization, role, apiKey }
}

async function insertAccount(tx: Tx, newcomer: Newcomer, now: number): Promise<void> {
  const first = newcomer.invitation === undefined
  // The unique index knows the one spelling that is stored now, and an account may have an older one.
  if (!first && (await findByEmail(tx, newcomer.email)) !== undefined) throw emailTaken()
  try {
    await tx
      .insertInto('accounts')
      .values({
        id: newcomer.id,
        email: newcomer.email,
        password_hash: newcomer.passwordHash,
        founder: first ? 1 : null,
        server_administrator_at: first ? now : null,
        created_at: now,
      })
      .execute()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    // Without an invitation the answer is the same whether or not the address has an account.
    if (first) throw invitationNeeded()
    throw emailTaken()
  }
}

function emailTaken(): KeyrackError {
  return new KeyrackError('conflict', 'this e-mail address already has an account', {
    field: 'email',
    hint: 'sign in with it instead',
  })
}

/** Forms send empty fields for what was left out. */
function given(text: string | undefined): string | undefined {
  return text === undefined || text.trim() === '' ? undefined : text.trim()
}
