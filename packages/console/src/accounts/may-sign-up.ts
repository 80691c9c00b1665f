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
export function refuseStranger(
  domain: Domain,
  { setupToken, throughProxy }: { setupToken: string | undefined; throughProxy: boolean },
): void {
  if (!domain.directory.empty) throw invitationNeeded()
  if (domain.setupToken === undefined) {
    // Nobody told the Console of a proxy, so it printed no token that would let its owner in.
    if (throughProxy) throw unknownProxy()
    return
  }
  if (equalSecrets(setupToken?.trim() ?? '', domain.setupToken.reveal())) return
  throw new KeyrackError(
    'forbidden',
    'the first account needs the setup token, because this Console can be reached from elsewhere',
    { field: 'setup_token', hint: 'the server printed it when it started' },
  )
}

function unknownProxy(): KeyrackError {
  return new KeyrackError(
    'forbidden',
    'the first account cannot be made through a proxy that the Console was not told of, because whoever came first would own it',
    {
      hint: 'set PUBLIC_URL to the address of the proxy and start the Console again: it then prints a setup token; or sign up on its own machine',
    },
  )
}
