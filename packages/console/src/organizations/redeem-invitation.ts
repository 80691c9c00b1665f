import { KeyrackError } from '@keyrack/protocol'
import { sha256Hex } from '@keyrack/secrets'
import type { Kysely } from 'kysely'
import { comparableEmail } from '../accounts/email.ts'
import type { Domain, Tx } from '../context.ts'
import type { Database } from '../database/schema.ts'
import type { OrganizationEntry, Role } from '../directory.ts'
import { VALID_MS } from './invite.ts'

const AHEAD_MS = 5 * 60_000

export interface OpenInvitation {
  id: string
  role: Role
  /** Null: the newcomer names a new one. */
  organization: OrganizationEntry | null
}

/** Checks an invitation without using it, so that a stranger costs no password hash. */
export async function findInvitation(
  domain: Pick<Domain, 'store' | 'clock'>,
  token: string,
  email: string,
): Promise<OpenInvitation> {
  return lookUp(domain.store.db, token, email, domain.clock())
}

/** Uses an invitation. Of two at once, one finds it already used. */
export async function redeemInvitation(
  tx: Tx,
  token: string,
  email: string,
  now: number,
): Promise<OpenInvitation> {
  const invitation = await lookUp(tx, token, email, now)
  const { numUpdatedRows } = await tx
    .updateTable('invitations')
    .set({ used_at: now })
    .where('id', '=', invitation.id)
    .where('used_at', 'is', null)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows !== 1n) throw unusable()
  return invitation
}

async function lookUp(
  db: Kysely<Database>,
  token: string,
  email: string,
  now: number,
): Promise<OpenInvitation> {
  const row = await db
    .selectFrom('invitations')
    .leftJoin('organizations', 'organizations.id', 'invitations.organization_id')
    .where('token_hash', '=', sha256Hex(token.trim()))
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)
    // One that was made while the clock was ahead would be valid for longer by as much.
    .where('expires_at', '<=', now + VALID_MS + AHEAD_MS)
    .select([
      'invitations.id',
      'invitations.role',
      'invitations.email',
      'organizations.id as organizationId',
      'organizations.name',
    ])
    .executeTakeFirst()
  // An invitation for somebody else is no different from a wrong one to who holds it.
  if (row === undefined || !isFor(row.email, email)) throw unusable()
  const { id, role, organizationId, name } = row
  const joins = organizationId !== null && name !== null
  return { id, role, organization: joins ? { id: organizationId, name } : null }
}

function isFor(invited: string | null, email: string): boolean {
  return invited === null || comparableEmail(invited) === comparableEmail(email)
}

function unusable(): KeyrackError {
  return new KeyrackError(
    'forbidden',
    'this invitation is not valid: it was used, has expired, was mistyped, or is for another e-mail address',
    { field: 'invitation', hint: 'ask whoever invited you for a new one' },
  )
}
