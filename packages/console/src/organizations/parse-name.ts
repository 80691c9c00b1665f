import { KeyrackError } from '@keyrack/protocol'

/** Both halves of `organization/rack` are part of a header, a path and a command line. */
const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/

export interface NameKind {
  /** As in `an organization name has ...`. */
  noun: string
  field: string
  example: string
}

export function parseName(text: string | undefined, { noun, field, example }: NameKind): string {
  const name = text?.trim().toLowerCase() ?? ''
  if (NAME.test(name)) return name
  throw new KeyrackError(
    'invalid',
    name === ''
      ? `the ${noun} needs a name`
      : `the name of the ${noun} has 1 to 63 letters a to z, digits and hyphens, and starts with a letter or digit`,
    { field, hint: `choose one like ${example}` },
  )
}
