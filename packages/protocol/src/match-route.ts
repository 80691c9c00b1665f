import { KeyrackError } from './errors.ts'
import { ROUTES, type Route } from './routes.ts'

export interface NormalPath {
  /** Begins with `/`; segments joined by single slashes; percent-encoding only where it is needed. */
  path: string
  /** Without the question mark; empty when there is none (official CLIs end every path with `?`). */
  query: string
}

export interface Match {
  route: Route
  parameters: Record<string, string>
}

// RFC 3986 pchar without the percent sign: what may stand in a path as it is. Sub-delimiters may
// also come encoded (clients differ); letters, digits, `-._~` and the slash may not.
const UNRESERVED_OR_SLASH = /^[A-Za-z0-9\-._~/]$/
const PLAIN = /^[A-Za-z0-9\-._~!$&'()*+,;=:@/]*$/
const ENCODED = /%([0-9A-Fa-f]{2})/g
const QUERY = /^[\x21\x22\x24-\x7e]*$/

/**
 * The one reading of a request target that is both matched and forwarded. Two spellings of one
 * path are how a proxy and the server behind it come to disagree (CWE-444, CWE-180), so doubled
 * slashes, dot segments, encoded slashes and encoded letters are refused, never repaired.
 */
export function normalizePath(target: string): NormalPath {
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark + 1)
  if (!path.startsWith('/')) throw refused('it must begin with a slash')
  if (path.includes('//')) throw refused('it holds an empty segment')
  for (const [, hex = ''] of path.matchAll(ENCODED)) {
    const character = String.fromCharCode(Number.parseInt(hex, 16))
    if (UNRESERVED_OR_SLASH.test(character))
      throw refused('it encodes a character that needs no encoding')
    if (character < ' ' || character === '\x7f' || character === '\\') {
      throw refused('it encodes a control character')
    }
  }
  if (!PLAIN.test(path.replaceAll(ENCODED, ''))) {
    throw refused('it holds a character that must be encoded')
  }
  decode(path)
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) {
    throw refused('it holds a dot segment')
  }
  if (!QUERY.test(query)) throw refused('its query holds a character that must be encoded')
  return { path, query }
}

function refused(why: string): KeyrackError {
  return new KeyrackError('invalid', `this request path is not accepted: ${why}`, { field: 'path' })
}

interface Pattern {
  route: Route
  segments: string[]
}

const literals = ({ segments }: Pattern): number =>
  segments.filter((segment) => !segment.startsWith('{')).length

/** By method and kind, those with more literal segments first: the first that fits is the one. */
const PATTERNS = new Map<string, Pattern[]>()
for (const route of ROUTES) {
  const kind = kindOf(route.method, route.socket ?? false)
  const patterns = PATTERNS.get(kind) ?? []
  patterns.push({ route, segments: route.path.slice(1).split('/') })
  patterns.sort((a, b) => literals(b) - literals(a))
  PATTERNS.set(kind, patterns)
}

function kindOf(method: string, socket: boolean): string {
  return socket ? `${method} socket` : method
}

/** The route that a method and a normal path belong to, literal segments before parameters. */
export function matchRoute(method: string, path: string, socket = false): Match | undefined {
  const segments = path.slice(1).split('/')
  for (const pattern of PATTERNS.get(kindOf(method, socket)) ?? []) {
    const parameters = matchSegments(pattern.segments, segments)
    if (parameters !== undefined) return { route: pattern.route, parameters }
  }
  return undefined
}

function matchSegments(
  pattern: readonly string[],
  segments: readonly string[],
): Record<string, string> | undefined {
  const parameters: Record<string, string> = Object.create(null)
  for (const [index, expected] of pattern.entries()) {
    if (expected.endsWith('...}')) {
      if (segments.length <= index) return undefined
      parameters[expected.slice(1, -4)] = decode(segments.slice(index).join('/'))
      return parameters
    }
    const segment = segments[index]
    if (segment === undefined) return undefined
    if (expected.startsWith('{')) {
      if (segment === '') return undefined
      parameters[expected.slice(1, -1)] = decode(segment)
    } else if (expected !== segment) return undefined
  }
  return segments.length === pattern.length ? parameters : undefined
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refused('its percent-encoding is not UTF-8')
  }
}
