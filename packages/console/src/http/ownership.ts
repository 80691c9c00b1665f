/**
 * Who answers a path (design 5). The table decides, never a guess from headers: the Console's own
 * protocol paths, its JSON API, and everything else, which is a Rack's when a key is presented and
 * a page when none is. Pages therefore need no room in the Racks' name space.
 */
export type Owner = 'console' | 'api' | 'rack' | 'page'

/** The Console's own protocol paths; each owns what lies below it too. */
const OWN_PATHS = [
  '/auth',
  '/check',
  '/livez',
  '/login/u2f',
  '/machines',
  '/organizations',
  '/racks',
  '/readyz',
  '/session',
  '/switch',
  '/token',
] as const

/** Answered to anybody: health checkers have no key. */
const OPEN_PATHS: ReadonlySet<string> = new Set(['/check', '/livez', '/readyz'])

export function ownerOf(path: string, keyPresented: boolean): Owner {
  if (OWN_PATHS.some((own) => lies(path, own))) return 'console'
  if (lies(path, '/api')) return 'api'
  return keyPresented ? 'rack' : 'page'
}

export function isOpen(path: string): boolean {
  return OPEN_PATHS.has(path)
}

function lies(path: string, under: string): boolean {
  return path === under || path.startsWith(`${under}/`)
}
