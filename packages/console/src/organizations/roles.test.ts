import { describe, expect, it } from 'vitest'
import type { AccountEntry, RackEntry, Role } from '../directory.ts'
import { ROLES, rackRefusal, roleAllows } from './roles.ts'

const PERMISSIONS = ['read', 'write', 'execute', 'administer'] as const

function account(role: Role | undefined, serverAdministrator = false): AccountEntry {
  const roles = new Map<string, Role>(role === undefined ? [] : [['acme-id', role]])
  return { id: 'a', email: 'a@example.com', serverAdministrator, roles }
}

function rack(local: boolean): RackEntry {
  return {
    id: 'r',
    name: 'dev',
    organization: { id: 'acme-id', name: 'acme' },
    url: 'https://127.0.0.1:1',
    pin: '',
    local,
    sealedKey: '',
    keyVersion: 1,
    provider: 'local',
    status: 'running',
    managed: false,
    version: '',
    remoteId: null,
  }
}

describe('roles', () => {
  it.each([
    ['administrator', ['read', 'write', 'execute', 'administer']],
    ['operator', ['read', 'write', 'execute']],
    ['developer', ['read', 'write']],
    ['viewer', ['read']],
  ] as const)('%s may %j', (role, allowed) => {
    expect(PERMISSIONS.filter((permission) => roleAllows(role, permission))).toEqual(allowed)
    const refused = PERMISSIONS.filter((one) => rackRefusal(account(role), rack(false), one))
    expect(refused).toEqual(PERMISSIONS.filter((one) => !allowed.some((each) => each === one)))
  })

  it('see nothing of a Rack of another organization, not even as server administrator', () => {
    for (const local of [true, false]) {
      expect(rackRefusal(account(undefined, true), rack(local), 'read')).toBe('hidden')
    }
  })

  it('use a local Rack only with the rights of a server administrator', () => {
    for (const role of ROLES) {
      for (const permission of PERMISSIONS) {
        expect(rackRefusal(account(role), rack(true), permission)).toBe('local')
      }
    }
    expect(rackRefusal(account('administrator', true), rack(true), 'administer')).toBeUndefined()
    expect(rackRefusal(account('viewer', true), rack(true), 'execute')).toBe('role')
  })
})
