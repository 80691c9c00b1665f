import type { RackSummary } from '@keyrack/protocol/resources'
import type { RackEntry } from '../directory.ts'

/** One entry of `GET /racks`, with the official names (protocol.md 2.1). */
export function rackSummary(rack: RackEntry): RackSummary {
  const { name, status, provider, version, organization } = rack
  const { id, name: organizationName } = organization
  return { name, status, provider, version, organization: { id, name: organizationName } }
}

/** What v3 reads before `rack params` and `instances ssh`: no state, so it talks to the Rack itself. */
export function rackDetails(rack: RackEntry) {
  return {
    Name: rack.name,
    Organization: { Id: rack.organization.id, Name: rack.organization.name },
    Provider: rack.provider,
    Status: rack.status,
    Version: rack.version,
    Deletable: false,
    Parameters: null,
    State: null,
  }
}
