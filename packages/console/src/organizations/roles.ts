import type { Permission, Route } from '@keyrack/protocol'
import { type Actor, isDeployKey, type RackEntry, type Role } from '../directory.ts'

export const ROLES: readonly Role[] = ['administrator', 'operator', 'developer', 'viewer']

/** What each role may do. */
export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  administrator: ['read', 'write', 'execute', 'administer'],
  operator: ['read', 'write', 'execute'],
  developer: ['read', 'write'],
  viewer: ['read'],
}

export function roleAllows(role: Role, permission: Permission): boolean {
  return ROLE_PERMISSIONS[role].includes(permission)
}

/** What is to be done: a route of the Rack API, or something of the Console's own. */
export type Wanted = Pick<Route, 'permission' | 'deploy'>

/**
 * Why somebody may not do something, or undefined when they may. `hidden`: not their organization,
 * to be answered as if it did not exist. `local`: code on a local Rack runs as the server's own
 * user, so only server administrators may use one (design 1 and 8). `deploy`: not for deploy keys.
 */
export type Refusal = 'hidden' | 'local' | 'deploy' | 'role'

/** The one decision about rights in an organization, for the proxy and the JSON API alike. */
export function refusal(
  actor: Actor,
  organizationId: string,
  wanted: Wanted,
): Exclude<Refusal, 'local'> | undefined {
  if (isDeployKey(actor)) {
    if (actor.organization.id !== organizationId) return 'hidden'
    return wanted.deploy === true ? undefined : 'deploy'
  }
  const role = actor.roles.get(organizationId)
  if (role === undefined) return 'hidden'
  return roleAllows(role, wanted.permission) ? undefined : 'role'
}

/** The same for what is done on a Rack. */
export function rackRefusal(actor: Actor, rack: RackEntry, wanted: Wanted): Refusal | undefined {
  const found = refusal(actor, rack.organization.id, wanted)
  if (found === 'hidden' || !rack.local) return found
  return isDeployKey(actor) || !actor.serverAdministrator ? 'local' : found
}
