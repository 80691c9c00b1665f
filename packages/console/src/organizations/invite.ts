import { KeyrackError } from '@keyrack/protocol'
import { mintToken, type Secret, sha256Hex } from '@keyrack/secrets'
import { parseEmail } from '../accounts/email.ts'
import { findByEmail } from '../accounts/find-by-email.ts'
import type { Domain, RequestContext, Tx } from '../context.ts'
import type { AccountEntry, OrganizationEntry, Role } from '../directory.ts'
import { newId } from '../new-id.ts'
import { findOrganization } from './find-organization.ts'
import { ROLES } from './roles.ts'

export interface InviteInput {
  /** The organization the newcomer joins; absent: the newcomer names a new one (server administrators only). */
  organization?: string | undefined
  /** Default `developer`; not to be given without an organization. */
  role?: string | undefined
  /** Binds the invitation to one e-mail address. */
  email?: string | undefined
}

export interface Invitation {
  id: string
  /** Shown once. */
  token: Secret
  expiresAt: number
  /** Absent: the newcomer names a new one. */
  organization?: string
  role: Role
  email?: string
}

/** How long an invitation is valid. */
export const VALID_MS = 7 * 24 * 60 * 60_000

export async function invite(
  domain: Domain,
  actor: AccountEntry,
  input: InviteInput,
  request: RequestContext,
): Promise<Invitation> {
  const organization =
    input.organization === undefined
      ? undefined
      : findOrganization(domain, actor, input.organization, 'administer', 'invite people to it')
  if (organization === undefined && !actor.serverAdministrator) {
    throw new KeyrackError('forbidden', 'only a server administrator invites a new organization', {
      field: 'organization',
      hint: 'name the organization that the newcomer shall join',
    })
  }
  const role = parseRole(input.role, organization)
  const email = input.email === undefined ? undefined : parseEmail(input.email)

  const id = newId()
  const token = mintToken(32)
  const now = domain.clock()
  const expiresAt = now + VALID_MS
  await domain.commit(async (tx) => {
    if (organization !== undefined && email !== undefined) {
      await refuseMember(tx, organization, email)
    }
    await tx
      .insertInto('invitations')
      .values({
        id,
        token_hash: sha256Hex(token.reveal()),
        organization_id: organization?.id ?? null,
        role,
        email: email ?? null,
        invited_by: actor.id,
        created_at: now,
        expires_at: expiresAt,
        used_at: null,
      })
      .execute()
    await domain.audit.record(
      {
        organizationId: organization?.id ?? null,
        actor: { id: actor.id, name: actor.email },
        action: 'invitation.create',
        target: email ?? id,
        requestId: request.requestId,
        address: request.address,
      },
      { status: 201, note: organization === undefined ? 'new organization' : `role ${role}` },
      tx,
    )
  })
  return {
    id,
    token,
    expiresAt,
    role,
    ...(organization === undefined ? {} : { organization: organization.name }),
    ...(email === undefined ? {} : { email }),
  }
}

/** Their invitation could never be accepted, and whoever invites may have meant another role. */
async function refuseMember(tx: Tx, organization: OrganizationEntry, email: string): Promise<void> {
  const account = await findByEmail(tx, email)
  if (account === undefined) return
  const member = await tx
    .selectFrom('memberships')
    .where('organization_id', '=', organization.id)
    .where('account_id', '=', account.id)
    .select('account_id')
    .executeTakeFirst()
  if (member === undefined) return
  throw new KeyrackError('conflict', `${email} is a member of ${organization.name} already`, {
    field: 'email',
    hint: 'another role is given with: convox members role EMAIL ROLE',
  })
}

function parseRole(text: string | undefined, organization: OrganizationEntry | undefined): Role {
  if (organization === undefined) {
    if (text === undefined) return 'administrator'
    throw new KeyrackError('invalid', 'who brings a new organization becomes its administrator', {
      field: 'role',
      hint: 'leave the role out, or name the organization to join',
    })
  }
  const role = ROLES.find((known) => known === (text ?? 'developer'))
  if (role !== undefined) return role
  throw new KeyrackError('invalid', `a role is one of ${ROLES.join(', ')}`, { field: 'role' })
}
