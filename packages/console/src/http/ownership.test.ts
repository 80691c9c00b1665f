import { describe, expect, it } from 'vitest'
import { isOpen, ownerOf } from './ownership.ts'

const OWN = [
  '/auth',
  '/racks',
  '/racks/acme/dev',
  '/racks/acme/dev/sync',
  '/session',
  '/login/u2f',
  '/machines',
  '/organizations/acme/runtimes',
  '/token',
  '/switch',
  '/check',
  '/livez',
  '/readyz',
]

describe('who owns a path', () => {
  it.each(OWN)('%s is the Console’s own, with a key or without', (path) => {
    expect(ownerOf(path, true)).toBe('console')
    expect(ownerOf(path, false)).toBe('console')
  })

  it.each(['/api', '/api/account', '/api/no/such'])('%s is the API', (path) => {
    expect(ownerOf(path, true)).toBe('api')
    expect(ownerOf(path, false)).toBe('api')
  })

  it.each(['/', '/account', '/sign-in', '/system', '/apps/web', '/apiary', '/racksmith', '/login'])(
    '%s is a Rack’s with a key and a page without one',
    (path) => {
      expect(ownerOf(path, true)).toBe('rack')
      expect(ownerOf(path, false)).toBe('page')
    },
  )

  it('only health is answered to anybody', () => {
    expect(OWN.filter(isOpen)).toEqual(['/check', '/livez', '/readyz'])
  })
})
