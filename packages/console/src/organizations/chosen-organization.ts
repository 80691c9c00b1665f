import { KeyrackError } from '@keyrack/protocol'
import { parseOrganizationName } from './organization-name.ts'
import type { OpenInvitation } from './redeem-invitation.ts'

/** The name of the organization to join, or to make where the invitation leaves that open. */
export function chosenOrganization(
  named: string | undefined,
  invitation: OpenInvitation | undefined,
): string {
  const joined = invitation?.organization?.name
  if (joined === undefined) return parseOrganizationName(named)
  if (named === undefined || parseOrganizationName(named) === joined) return joined
  throw new KeyrackError('invalid', `this invitation is to ${joined}`, {
    field: 'organization',
    hint: `leave the organization out, or write ${joined}`,
  })
}
