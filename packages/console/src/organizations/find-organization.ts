import { KeyrackError, type Permission } from '@keyrack/protocol'
import type { Domain } from '../context.ts'
import type { AccountEntry, OrganizationEntry } from '../directory.ts'
import { refusal } from './roles.ts'

/**
 * The organization of that name, if this person may do that in it. Somebody else's is answered like
 * one that does not exist. `what` completes "only administrators of acme ...".
 */
export function findOrganization(
  { directory }: Pick<Domain, 'directory'>,
  actor: AccountEntry,
  name: string,
  permission: Permission,
  what: string,
): OrganizationEntry {
  const wanted = name.trim().toLowerCase()
  const found = directory.organizationsOf(actor).find((entry) => entry.name === wanted)
  const refused = found === undefined ? 'hidden' : refusal(actor, found.id, { permission })
  if (found === undefined || refused === 'hidden') {
    throw new KeyrackError('not-found', 'you are not a member of an organization of that name', {
      field: 'organization',
    })
  }
  if (refused === undefined) return found
  throw new KeyrackError('forbidden', `only administrators of ${found.name} ${what}`, {
    hint: 'ask one of them',
  })
}
