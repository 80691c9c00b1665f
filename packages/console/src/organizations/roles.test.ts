import { type Permission, ROUTES } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import type { AccountEntry, Actor, DeployKeyEntry, RackEntry, Role } from '../directory.ts'
import { ROLES, rackRefusal, refusal, roleAllows } from './roles.ts'

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

function refused(actor: Actor, on: RackEntry, permission: Permission) {
  return rackRefusal(actor, on, { permission })
}

describe('roles', () => {
  it.each([
    ['administrator', ['read', 'write', 'execute', 'administer']],
    ['operator', ['read', 'write', 'execute']],
    ['developer', ['read', 'write']],
    ['viewer', ['read']],
  ] as const)('%s may %j', (role, allowed) => {
    expect(PERMISSIONS.filter((permission) => roleAllows(role, permission))).toEqual(allowed)
    const rejected = PERMISSIONS.filter((one) => refused(account(role), rack(false), one))
    expect(rejected).toEqual(PERMISSIONS.filter((one) => !allowed.some((each) => each === one)))
  })

  it('see nothing of a Rack of another organization, not even as server administrator', () => {
    for (const local of [true, false]) {
      expect(refused(account(undefined, true), rack(local), 'read')).toBe('hidden')
    }
  })

  it('use a local Rack only with the rights of a server administrator', () => {
    for (const role of ROLES) {
      for (const permission of PERMISSIONS) {
        expect(refused(account(role), rack(true), permission)).toBe('local')
      }
    }
    expect(refused(account('administrator', true), rack(true), 'administer')).toBeUndefined()
    expect(refused(account('viewer', true), rack(true), 'execute')).toBe('role')
  })
})

describe('a deploy key', () => {
  const key: DeployKeyEntry = {
    kind: 'deploy-key',
    id: 'd',
    name: 'ci',
    organization: { id: 'acme-id', name: 'acme' },
    expiresAt: null,
  }

  it('may call the marked routes and no other, whatever right those would need', () => {
    for (const route of ROUTES) {
      const expected = route.deploy === true ? undefined : 'deploy'
      expect(rackRefusal(key, rack(false), route), route.name).toBe(expected)
    }
    for (const permission of PERMISSIONS) {
      expect(refusal(key, 'acme-id', { permission })).toBe('deploy')
    }
  })

  it('reaches no local Rack, and sees nothing of another organization', () => {
    expect(rackRefusal(key, rack(true), { permission: 'read', deploy: true })).toBe('local')
    expect(refusal(key, 'other-id', { permission: 'read', deploy: true })).toBe('hidden')
    const elsewhere = { ...rack(true), organization: { id: 'other-id', name: 'other' } }
    expect(rackRefusal(key, elsewhere, { permission: 'read', deploy: true })).toBe('hidden')
  })
})
