import { describe, expect, it } from 'vitest'
import { ROUTES, route } from './routes.ts'

describe('ROUTES', () => {
  it('have names and lines of their own', () => {
    const lines = ROUTES.map((one) => `${one.method} ${one.socket ?? false} ${one.path}`)
    expect(new Set(lines).size).toBe(ROUTES.length)
    expect(new Set(ROUTES.map((one) => one.name)).size).toBe(ROUTES.length)
  })

  it('a reader can neither change anything nor run code', () => {
    for (const one of ROUTES.filter((each) => each.permission === 'read')) {
      expect(['GET', 'HEAD', 'OPTIONS'], one.name).toContain(one.method)
      expect(one.audited, one.name).toBe(false)
      expect(one.exitCode, one.name).toBeUndefined()
    }
  })

  it('everything that changes something or runs code is recorded', () => {
    for (const one of ROUTES) {
      const safe = ['GET', 'HEAD', 'OPTIONS'].includes(one.method)
      if (!safe || one.permission === 'execute') expect(one.audited, one.name).toBe(true)
    }
  })

  it('what runs code needs the right to run code', () => {
    for (const one of ROUTES.filter((each) => each.exitCode)) {
      expect(one.permission, one.name).toBe('execute')
      expect(one.options, one.name).toContain('Command')
    }
    expect(route('proxy').permission).toBe('execute')
  })

  it('a Rack API key and tokens are changed only by a Console', () => {
    const only = ROUTES.filter((one) => one.consoleOnly !== undefined).map((one) => one.name)
    expect(only).toEqual([
      'system.token.create',
      'system.token.rotate',
      'system.token.list',
      'system.token.revoke',
      'key.status',
      'key.stage',
      'key.unstage',
      'key.retire',
      'key.register',
      'key.challenge',
      'key.recover',
    ])
    expect(route('system.update').guard).toBe('rack-password')
    expect(route('parameters.set').guard).toBe('rack-password')
  })

  it('option headers are never those that authenticate or choose', () => {
    const never = ['authorization', 'cookie', 'origin', 'host', 'rack', 'session', 'version']
    for (const one of ROUTES) {
      for (const option of one.options) expect(never).not.toContain(option.toLowerCase())
    }
  })

  it('texts hold no percent sign and say what to run', () => {
    for (const { consoleOnly } of ROUTES) {
      if (consoleOnly !== undefined) expect(consoleOnly).toMatch(/^[^%]*run: convox [^%]*$/)
    }
  })

  it('an unknown name is a mistake of the programmer', () => {
    expect(() => route('nope')).toThrow(TypeError)
    expect(route('auth').path).toBe('/auth')
  })

  it('deploy keys reach what their commands call, and nothing that shows a secret', () => {
    const deploy = ROUTES.filter((one) => one.deploy).map((one) => one.name)
    expect(deploy).toEqual([
      'system.get',
      'apps.get',
      'apps.logs',
      'builds.list',
      'builds.create',
      'builds.import',
      'builds.get',
      'builds.logs',
      'objects.store',
      'processes.get',
      'processes.stop',
      'processes.run',
      'processes.exec',
      'releases.create',
      'releases.promote',
      'services.logs',
      'processes.run-classic',
      'processes.run-attached',
    ])
    for (const one of ROUTES.filter((each) => each.deploy)) {
      expect(one.permission, one.name).not.toBe('administer')
      expect(one.consoleOnly, one.name).toBeUndefined()
    }
  })
})
