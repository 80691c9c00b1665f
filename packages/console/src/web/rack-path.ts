import type { RackEntry } from '../directory.ts'

/** Not below `/racks`: that belongs to the protocol (http/ownership.ts). */
export function rackPath({ organization, name }: Pick<RackEntry, 'organization' | 'name'>): string {
  return `/rack/${encodeURIComponent(organization.name)}/${encodeURIComponent(name)}`
}

export function settingsPath(rack: Pick<RackEntry, 'organization' | 'name'>): string {
  return `${rackPath(rack)}/settings`
}
