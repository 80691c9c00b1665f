import { KeyrackError } from '@keyrack/protocol'
import type { AccountEntry, Directory, OrganizationEntry } from '../directory.ts'
import { roleAllows } from './roles.ts'

/**
 * The organization of that name, if the actor administers it; somebody else's is answered like one
 * that does not exist. `what` ends the refusal: `only administrators of acme ...`.
 */
export function administeredOrganization(
  directory: Directory,
  actor: AccountEntry,
  name: string,
  what: string,
): OrganizationEntry {
  const wanted = name.trim().toLowerCase()
  const found = directory.organizationsOf(actor).find((entry) => entry.name === wanted)
  if (found === undefined) {
    throw new KeyrackError('not-found', 'you are not a member of an organization of that name', {
      field: 'organization',
    })
  }
  const role = actor.roles.get(found.id)
  if (role !== undefined && roleAllows(role, 'administer')) return found
  throw new KeyrackError('forbidden', `only administrators of ${found.name} ${what}`, {
    hint: 'ask one of them',
  })
}
