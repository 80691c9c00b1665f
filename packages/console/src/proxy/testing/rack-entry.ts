import type { RackEntry } from '../../directory.ts'

/** An added Rack, `acme/prod`, of which a test says what it is about. */
export function rackEntry(changes: Partial<RackEntry> = {}): RackEntry {
  return {
    id: 'rack-1',
    name: 'prod',
    organization: { id: 'org-1', name: 'acme' },
    url: 'https://rack.example',
    pin: '',
    local: false,
    sealedKey: '',
    keyVersion: 1,
    provider: 'aws',
    status: 'running',
    managed: false,
    version: '',
    remoteId: null,
    ...changes,
  }
}
