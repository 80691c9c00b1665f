import { KeyrackError } from '@keyrack/protocol'
import { isUniqueViolation } from '@keyrack/server'
import type { Domain, RequestContext, Tx } from '../context.ts'
import type { AccountEntry, OrganizationEntry, Role } from '../directory.ts'
import { chosenOrganization } from './chosen-organization.ts'
import { insertOrganization } from './insert-organization.ts'
import { redeemInvitation } from './redeem-invitation.ts'

export interface Acceptance {
  invitation: string
  /** Needed when the invitation is to bring a new organization. */
  organization?: string | undefined
}

export interface Accepted {
  organization: OrganizationEntry
  role: Role
}

/** Somebody who has an account joins one more organization. A refusal leaves the invitation unused. */
export async function acceptInvitation(
  domain: Domain,
  actor: AccountEntry,
  acceptance: Acceptance,
  request: RequestContext,
): Promise<Accepted> {
  const now = domain.clock()
  return domain.commit(async (tx) => {
    const invitation = await redeemInvitation(tx, acceptance.invitation, actor.email, now)
    const name = chosenOrganization(acceptance.organization, invitation)
    const organization = invitation.organization ?? (await insertOrganization(tx, name, now))
    const { role } = invitation
    await join(tx, organization, actor, role, now)
    await domain.audit.record(
      {
        organizationId: organization.id,
        actor: { id: actor.id, name: actor.email },
        action: 'invitation.accept',
        target: actor.email,
        ...request,
      },
      { status: 200, note: `invitation ${invitation.id}, role ${role}` },
      tx,
    )
    return { organization, role }
  })
}

async function join(
  tx: Tx,
  organization: OrganizationEntry,
  actor: AccountEntry,
  role: Role,
  now: number,
): Promise<void> {
  try {
    await tx
      .insertInto('memberships')
      .values({ organization_id: organization.id, account_id: actor.id, role, created_at: now })
      .execute()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new KeyrackError('conflict', `you are a member of ${organization.name} already`, {
      hint: 'the invitation is unused; an administrator changes roles with: convox members role',
    })
  }
}
