import type { Permission } from '@keyrack/protocol'
import type { AccountEntry, RackEntry, Role } from '../directory.ts'

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

/**
 * Why an account may not do something on a Rack, or undefined when it may. `hidden`: not its
 * organization, to be answered as if the Rack did not exist. `local`: code on a local Rack runs as
 * the server's own user, so only server administrators may use one (design 1 and 8).
 */
export type RackRefusal = 'hidden' | 'local' | 'role'

export function rackRefusal(
  account: AccountEntry,
  rack: RackEntry,
  permission: Permission,
): RackRefusal | undefined {
  const role = account.roles.get(rack.organization.id)
  if (role === undefined) return 'hidden'
  if (rack.local && !account.serverAdministrator) return 'local'
  return roleAllows(role, permission) ? undefined : 'role'
}
