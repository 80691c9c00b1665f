import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { KeyrackError } from './errors.ts'
import { matchRoute, normalizePath } from './match-route.ts'
import { ROUTES } from './routes.ts'

describe('normalizePath', () => {
  it.each([
    ['/', { path: '/', query: '' }],
    ['/system', { path: '/system', query: '' }],
    ['/system?', { path: '/system', query: '' }],
    ['/apps/a/releases?limit=1', { path: '/apps/a/releases', query: 'limit=1' }],
    ['/apps?a=b?c', { path: '/apps', query: 'a=b?c' }],
    ['/apps/', { path: '/apps/', query: '' }],
    ['/a/~b/c-d/e.f/g_h', { path: '/a/~b/c-d/e.f/g_h', query: '' }],
    ["/!$&'()*+,;=:@", { path: "/!$&'()*+,;=:@", query: '' }],
    ['/objects/gr%C3%BC%20%3A', { path: '/objects/gr%C3%BC%20%3A', query: '' }],
    ['/...', { path: '/...', query: '' }],
  ])('takes %s as it is', (target, expected) => {
    expect(normalizePath(target)).toEqual(expected)
  })

  it.each([
    ['no slash', 'system'],
    ['nothing', ''],
    ['an absolute URL', 'https://rack.example/system'],
    ['an asterisk', '*'],
    ['a doubled slash', '//system'],
    ['a doubled slash inside', '/apps//a'],
    ['a doubled slash at the end', '/apps//'],
    ['a dot segment', '/apps/./a'],
    ['a parent segment', '/apps/../system'],
    ['a parent segment at the end', '/apps/..'],
    ['an encoded dot', '/apps/%2e%2e/system'],
    ['a half encoded parent', '/apps/.%2E/system'],
    ['an encoded slash', '/apps%2Fa'],
    ['an encoded slash, lower case', '/apps%2fa'],
    ['an encoded letter', '/%73ystem'],
    ['an encoded digit', '/%31'],
    ['an encoded hyphen', '/a%2Db'],
    ['an encoded backslash', '/a%5Cb'],
    ['a backslash', '/a\\b'],
    ['a zero byte', '/a%00'],
    ['an encoded line break', '/a%0D%0Ab'],
    ['an encoded delete', '/a%7F'],
    ['a space', '/a b'],
    ['a line break', '/a\nb'],
    ['a fragment', '/a#b'],
    ['a fragment in the query', '/a?b#c'],
    ['a space in the query', '/a?b c'],
    ['a control character in the query', '/a?b\x00'],
    ['raw UTF-8', '/gr\u00fc'],
    ['a percent sign alone', '/100%'],
    ['half an escape', '/a%2'],
    ['an escape that is made of two', '/%2%3A5'],
    ['an escape of other digits', '/%zz'],
    ['bytes that are not UTF-8', '/a%FF'],
    ['an overlong slash', '/a%C0%AFb'],
    ['a surrogate', '/a%ED%A0%80'],
    ['a tab', '/a\tb'],
    ['brackets', '/a[b]'],
    ['a caret', '/a^b'],
  ])('refuses %s', (_name, target) => {
    expect(() => normalizePath(target)).toThrow(KeyrackError)
    expect(() => normalizePath(target)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  it('whatever it accepts, another reader of URLs reads the same', () => {
    const piece = fc.oneof(
      fc.constantFrom('/', '.', '..', '%2e', '%2F', '//', '%25', '%3A', '%C3%BC', '%', 'apps', '?'),
      fc.string({ unit: 'binary-ascii', maxLength: 3 }),
      fc.nat({ max: 255 }).map((byte) => `%${byte.toString(16).padStart(2, '0')}`),
    )
    const target = fc.array(piece, { maxLength: 8 }).map((pieces) => `/${pieces.join('')}`)
    let accepted = 0
    fc.assert(
      fc.property(target, (text) => {
        let path: string
        try {
          path = normalizePath(text).path
        } catch (error) {
          expect(error).toBeInstanceOf(KeyrackError)
          return
        }
        accepted += 1
        const url = new URL(`http://h${path}`)
        expect(url.pathname).toBe(path)
        const segments = path.split('/').map(decodeURIComponent)
        expect(segments.length).toBe(decodeURIComponent(path).split('/').length)
        expect(segments).not.toContain('..')
      }),
      { numRuns: 5000 },
    )
    expect(accepted).toBeGreaterThan(100)
  })
})

describe('matchRoute', () => {
  const sample = (path: string): string =>
    path.replaceAll(/\{(\w+)\.\.\.\}/g, 'sample-$1/below').replaceAll(/\{(\w+)\}/g, 'sample-$1')

  it.each(ROUTES.map((route) => [route.name, route] as const))('finds %s', (_name, route) => {
    const path = normalizePath(sample(route.path)).path
    const match = matchRoute(route.method, path, route.socket === true)
    expect(match?.route.name).toBe(route.name)
    for (const [, name = ''] of route.path.matchAll(/\{(\w+)\}/g)) {
      expect(match?.parameters[name]).toBe(`sample-${name}`)
    }
    for (const [, name = ''] of route.path.matchAll(/\{(\w+)\.\.\.\}/g)) {
      expect(match?.parameters[name]).toBe(`sample-${name}/below`)
    }
  })

  it.each(ROUTES.map((route) => [route.name, route] as const))(
    'does not find %s as what it is not',
    (_name, route) => {
      const path = sample(route.path)
      expect(matchRoute('PATCH', path, route.socket === true)).toBeUndefined()
      expect(matchRoute(route.method.toLowerCase(), path, route.socket === true)).toBeUndefined()
      const other = matchRoute(route.method, path, route.socket !== true)
      expect(other?.route.name).not.toBe(route.name)
    },
  )

  it('prefers a literal segment to a parameter', () => {
    expect(matchRoute('POST', '/apps/a/builds/import')?.route.name).toBe('builds.import')
    expect(matchRoute('GET', '/system/metrics')?.route.name).toBe('system.metrics')
    expect(matchRoute('POST', '/instances/keyroll')?.route.name).toBe('instances.keyroll')
    expect(matchRoute('DELETE', '/instances/keyroll')?.route.name).toBe('instances.terminate')
  })

  it.each([
    ['GET', '/'],
    ['GET', '/apps/'],
    ['GET', '/system/'],
    ['DELETE', '/instances/'],
    ['GET', '/SYSTEM'],
    ['GET', '/apps/a/builds/b/c'],
    ['HEAD', '/apps'],
  ])('%s %s is no route', (method, path) => {
    expect(matchRoute(method, path)).toBeUndefined()
  })

  it('the rest of a path may be empty where a Rack makes the name', () => {
    expect(matchRoute('POST', '/apps/a/objects/')?.parameters).toEqual({ app: 'a', key: '' })
    expect(matchRoute('POST', '/apps/a/objects')).toBeUndefined()
  })

  it('decodes parameters once', () => {
    const { path } = normalizePath('/apps/a/objects/x/gr%C3%BC%252F')
    expect(matchRoute('GET', path)?.parameters).toEqual({ app: 'a', key: 'x/grü%2F' })
  })

  it('parameters hold nothing but themselves', () => {
    expect(matchRoute('GET', '/apps/__proto__')?.parameters).toEqual({ app: '__proto__' })
    expect(matchRoute('GET', '/apps/a')?.parameters.constructor).toBeUndefined()
  })
})
