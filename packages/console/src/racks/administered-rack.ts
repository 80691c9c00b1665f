import { KeyrackError } from '@keyrack/protocol'
import type { AccountEntry, Directory, RackEntry } from '../directory.ts'
import { findOrganization } from '../organizations/find-organization.ts'

export interface RackName {
  organization: string
  name: string
}

/** The Rack of that name, if the actor may change what the Console knows of it. */
export function administeredRack(
  directory: Directory,
  actor: AccountEntry,
  { organization, name }: RackName,
  what: string,
): RackEntry {
  const { id, name: owner } = findOrganization(
    { directory },
    actor,
    organization,
    'administer',
    what,
  )
  const rack = directory
    .racksOf(actor)
    .find((entry) => entry.organization.id === id && entry.name === name.trim().toLowerCase())
  if (rack === undefined) {
    throw new KeyrackError('not-found', `${owner} has no Rack of that name`, {
      field: 'name',
      hint: 'list them with: convox racks',
    })
  }
  if (rack.local) requireServerAdministrator(actor)
  return rack
}

/** Code on a Rack of this machine runs as a user of this machine (design 1 and 8). */
export function requireServerAdministrator(actor: AccountEntry): void {
  if (actor.serverAdministrator) return
  throw new KeyrackError(
    'forbidden',
    'Racks on the machine of the Console are for the server administrator only',
    { field: 'host', hint: 'give the address of a Rack on another machine' },
  )
}

/** For what a server does by itself with the Rack that it runs. */
export function refuseManaged(rack: RackEntry): void {
  if (!rack.managed) return
  throw new KeyrackError(
    'conflict',
    `${rack.organization.name}/${rack.name} is run by this server, which keeps its address, key and certificate itself`,
  )
}

/** The actor as the directory knows it now: rights may have gone while a Rack was asked. */
export function actorNow(directory: Directory, actor: AccountEntry): AccountEntry {
  const now = directory.accountById(actor.id)
  if (now !== undefined) return now
  throw new KeyrackError('forbidden', 'this account does not exist any more')
}
