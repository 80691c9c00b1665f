import { KeyrackError, type Permission, ROUTES } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import type { AccountEntry, RackEntry, Role } from '../directory.ts'
import { authorize } from './authorize.ts'
import { rackEntry } from './testing/rack-entry.ts'

const RACK = rackEntry()

function person(role: Role | undefined, serverAdministrator = false): AccountEntry {
  const roles = new Map(role === undefined ? [] : [['org-1', role] as const])
  return { id: 'a-1', email: 'ann@example.com', serverAdministrator, roles }
}

/** The code of the refusal, or `allowed`. */
function outcome(account: AccountEntry, rack: RackEntry, line: string, socket = false): string {
  const [method = '', path = ''] = line.split(' ')
  try {
    authorize(account, rack, method, path, socket)
    return 'allowed'
  } catch (error) {
    return error instanceof KeyrackError ? error.code : String(error)
  }
}

const ALLOWED: Record<Role, Permission[]> = {
  administrator: ['read', 'write', 'execute', 'administer'],
  operator: ['read', 'write', 'execute'],
  developer: ['read', 'write'],
  viewer: ['read'],
}

describe('the route table decides what a role may do', () => {
  for (const role of ['administrator', 'operator', 'developer', 'viewer'] as const) {
    it(`for every route: ${role}`, () => {
      for (const route of ROUTES) {
        const path = route.path.replaceAll(/\{[^}]+\}/g, 'x')
        const expected =
          ALLOWED[role].includes(route.permission) && route.consoleOnly === undefined
            ? 'allowed'
            : 'forbidden'
        const line = `${route.method} ${path}`
        expect(outcome(person(role), RACK, line, route.socket), route.name).toBe(expected)
      }
    })
  }

  it('a route that nobody listed is for administrators, and recorded', () => {
    expect(outcome(person('operator'), RACK, 'GET /something/new')).toBe('forbidden')
    const { route } = authorize(person('administrator'), RACK, 'GET', '/something/new', false)
    expect(route).toMatchObject({ name: 'unlisted', audited: true, options: [] })
  })

  it('a socket where a plain request is listed is another route', () => {
    const listed = authorize(person('administrator'), RACK, 'GET', '/instances', false)
    expect(listed.route.name).toBe('instances.list')
    const socket = authorize(person('administrator'), RACK, 'GET', '/instances', true)
    expect(socket.route.name).toBe('unlisted')
  })
})

describe('who may not', () => {
  it("is told that somebody else's Rack does not exist", () => {
    expect(outcome(person(undefined), RACK, 'GET /system')).toBe('not-found')
    expect(outcome(person(undefined, true), RACK, 'GET /system')).toBe('not-found')
  })

  it('a local Rack is for server administrators only, whatever the role', () => {
    const local = { ...RACK, local: true }
    expect(outcome(person('administrator'), local, 'GET /system')).toBe('forbidden')
    expect(outcome(person('administrator', true), local, 'GET /system')).toBe('allowed')
  })

  it('key routes are nobody’s, and the text names the command instead', () => {
    const key = () => authorize(person('administrator'), RACK, 'POST', '/system/key/stage', false)
    expect(key).toThrow(/convox rack key roll/)
    const token = () => authorize(person('administrator'), RACK, 'POST', '/system/jwt/token', false)
    expect(token).toThrow(/convox rack access/)
  })
})
