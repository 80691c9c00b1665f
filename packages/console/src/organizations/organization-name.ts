import { KeyrackError } from '@keyrack/protocol'

/** It is the first half of `organization/rack` and so of a header and a command line. */
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

export function parseOrganizationName(text: string | undefined): string {
  const name = text?.trim().toLowerCase() ?? ''
  if (NAME.test(name)) return name
  throw new KeyrackError(
    'invalid',
    name === ''
      ? 'the organization needs a name'
      : 'an organization name has 1 to 63 letters a to z, digits and hyphens, and starts with a letter or digit',
    { field: 'organization', hint: 'choose one like acme or acme-labs' },
  )
}
