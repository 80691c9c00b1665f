import { KeyrackError } from '@keyrack/protocol'
import { equalSecrets } from '@keyrack/secrets'
import type { Domain } from '../context.ts'

export function invitationNeeded(): KeyrackError {
  return new KeyrackError(
    'forbidden',
    'this Console is in use, so signing up needs an invitation',
    {
      field: 'invitation',
      hint: 'ask an administrator of your organization for one',
    },
  )
}

/**
 * Turns strangers away before their password is hashed. It decides nothing for the first account:
 * of two at once both come through here, and the unique index lets one of them in.
 */
export function refuseStranger(domain: Domain, setupToken: string | undefined): void {
  if (!domain.directory.empty) throw invitationNeeded()
  if (domain.setupToken === undefined) return
  if (equalSecrets(setupToken?.trim() ?? '', domain.setupToken.reveal())) return
  throw new KeyrackError(
    'forbidden',
    'the first account needs the setup token, because this Console can be reached from elsewhere',
    { field: 'setup_token', hint: 'the server printed it when it started' },
  )
}
