/**
 * Step 3: may this person, or this deploy key, do this on that Rack. The route table decides; what is not in it is for
 * administrators only, and recorded.
 */
import { KeyrackError, type Match, matchRoute, type Route } from '@keyrack/protocol'
import type { Actor, RackEntry } from '../directory.ts'
import { deployKeyRefused } from '../organizations/deploy-key-refused.ts'
import { rackRefusal } from '../organizations/roles.ts'
import { displayName } from './find-rack.ts'

export interface Authorized {
  route: Route
  parameters: Match['parameters']
}

export function authorize(
  actor: Actor,
  rack: RackEntry,
  method: string,
  path: string,
  socket: boolean,
): Authorized {
  const match = matchRoute(method, path, socket)
  const authorized = match ?? { route: unlisted(method, path, socket), parameters: {} }
  const refusal = rackRefusal(actor, rack, authorized.route)
  // As if it did not exist: the same text as for a name that nobody has.
  if (refusal === 'hidden') throw new KeyrackError('not-found', 'could not find rack')
  if (refusal === 'local') {
    throw new KeyrackError('forbidden', 'only the server administrator may use a local Rack', {
      hint: 'what runs on it runs as the user of the Console itself',
    })
  }
  if (refusal === 'deploy') throw deployKeyRefused()
  if (refusal === 'role') {
    throw new KeyrackError(
      'forbidden',
      `your role does not allow ${authorized.route.name} on ${displayName(rack)}`,
      { hint: `ask an administrator of ${rack.organization.name}` },
    )
  }
  // After the rights, so that a stranger learns nothing about the Rack's routes.
  if (authorized.route.consoleOnly !== undefined) {
    throw new KeyrackError('forbidden', authorized.route.consoleOnly)
  }
  return authorized
}

function unlisted(method: string, path: string, socket: boolean): Route {
  const route: Route = {
    name: 'unlisted',
    method,
    path,
    permission: 'administer',
    audited: true,
    options: [],
  }
  refuseLookalike(method, path)
  return socket ? { ...route, socket: true } : route
}

/**
 * `/system/` or `/System` is no route of ours, but a Rack, or a server in front of one, may read it
 * as the guarded `/system`. No official client writes one so.
 */
function refuseLookalike(method: string, path: string): void {
  const plain = decodeURIComponent(path)
    .toLowerCase()
    .replaceAll(/[;?#\s][^/]*/g, '')
    .replace(/(?<=.)\/$/, '')
  const meant = matchRoute(method, plain)?.route
  if (meant?.guard === undefined && meant?.consoleOnly === undefined) return
  throw new KeyrackError('not-found', `there is no ${path}; did you mean ${meant.path}?`)
}
