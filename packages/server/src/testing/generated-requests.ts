/**
 * For tests: requests as nobody would write them, made by fast-check. Line breaks are left to
 * `request-cases.ts`, so that each of these is one request with one body.
 */
import type { Route } from '@keyrack/protocol'
import fc from 'fast-check'

export interface GeneratedRequest {
  method: string
  /** Latin-1, as it stands in the request line. */
  target: string
  headers: Array<readonly [name: string, value: string]>
  /** Latin-1; undefined: no body and no length. */
  body: string | undefined
  socket: boolean
}

const latin1 = (text: string) => Buffer.from(text).toString('latin1')

/** Texts that break something somewhere: empty, huge, control characters, percent tricks, UTF-8. */
const TROUBLE = [
  ...['', ' ', '.', '..', '%', '%zz', '%2e%2e', '%2F', '%2f..%2f', '%00', '%0d%0a', '%25', '%41'],
  ...['%C3%A9', '%ff', '%EF%BC%8F', 'a;b', 'a=b', '{id}', '*', '~', "'", '"', '<b>', '\\', '\0'],
  ...['\x01', '\x1b[2J', '\x7f', '\t', '-1', '0', '1e9', 'NaN', '9'.repeat(30), 'null', 'true'],
  ...['__proto__', 'constructor', '../../etc/passwd', '****', 'a'.repeat(3_000), 'i-1', 'web'],
  ...['grüße', '\u202e', '\ufeff', '💥', 'ｐａｓｓｗｏｒｄ'].map(latin1),
]
const trouble = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...TROUBLE) },
  { weight: 1, arbitrary: fc.string({ maxLength: 40 }).map(latin1) },
)
const value = trouble.map((text) => text.replaceAll(/[\r\n]/g, ''))
/** Parts of a target that most servers would let pass. */
const plain = fc.constantFrom('i-1', 'web', 'a.b', 'B1.tgz', '%C3%A9', 'a:b@c', '0')

const segment = fc.oneof({ weight: 6, arbitrary: plain }, { weight: 1, arbitrary: value })

const field = fc.tuple(
  fc.constantFrom('Count', 'Type', 'Parameters', 'Password', 'password', 'Version', 'x', ''),
  value,
)
const form = fc
  .array(field, { maxLength: 4 })
  .map((fields) => fields.map(([name, text]) => `${name}=${encodeURIComponent(text)}`).join('&'))

const body = fc.oneof(
  fc.constant(undefined),
  form,
  value,
  fc.json({ maxDepth: 2 }).map(latin1),
  fc.constant('HUGE FORM'),
)

const query = fc.oneof(
  { weight: 3, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: fc.constant('?') },
  { weight: 2, arbitrary: form.map((text) => `?${text}`) },
  { weight: 1, arbitrary: value.map((text) => `?${text}`) },
)

const NAMES = [
  ...[
    'Accept',
    'Accept-Encoding',
    'Connection',
    'Cookie',
    'Content-Encoding',
    'Expect',
    'If-Match',
  ],
  ...['Origin', 'Range', 'Request-Id', 'Te', 'Trailer', 'User-Agent', 'Version', 'Convox-Actor'],
  ...['X-Forwarded-For', 'X-Forwarded-Host', 'X-HTTP-Method-Override', 'Proxy-Authorization'],
]
const types = fc.constantFrom(
  ...['application/json', 'application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data'],
)

function headersOf(route: Route) {
  const name = fc.constantFrom(...NAMES, ...route.options)
  const one = fc.oneof(
    { weight: 3, arbitrary: fc.tuple(name, value) },
    {
      weight: 1,
      arbitrary: fc.tuple(
        fc.constant('Connection'),
        fc.constantFrom('close', 'Authorization', 'Rack, Host'),
      ),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constant('Content-Type'), types) },
  )
  return fc.array(one, { maxLength: 4 })
}

/** `/System`, `/system/`, `//system`: what may be taken for another path. */
const distort = fc.constantFrom<Array<(path: string) => string>>(
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => path.toUpperCase(),
  (path) => `/apps/..${path}`,
  (path) => `${path};a=b`,
  (path) =>
    path.replace(/^\/(.)/, (_all, letter: string) => `/%${letter.charCodeAt(0).toString(16)}`),
)

/** One request, most often to a route of the table; most of those are nearly good. */
export function generatedRequest(routes: readonly Route[]): fc.Arbitrary<GeneratedRequest> {
  return fc.constantFrom(...routes).chain((route) => {
    const parameters = [...route.path.matchAll(/\{[^}]+\}/g)].map(() => segment)
    const methods = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'FOO']
    return fc
      .record({
        segments: fc.tuple(...parameters),
        change: fc.oneof(
          { weight: 8, arbitrary: fc.constant((path: string) => path) },
          { weight: 1, arbitrary: distort },
        ),
        method: fc.oneof(
          { weight: 10, arbitrary: fc.constant(route.method) },
          { weight: 1, arbitrary: fc.constantFrom(...methods) },
        ),
        query,
        headers: headersOf(route),
        body,
        socket: fc.boolean(),
      })
      .map(({ segments, change, query, ...rest }) => {
        const parts = [...segments]
        const path = change(route.path.replaceAll(/\{[^}]+\}/g, () => parts.shift() ?? ''))
        // A body belongs to no WebSocket; those that have one are among the request cases.
        const socket = rest.socket && route.socket === true
        const target = `${path}${query}`
        return socket
          ? { ...rest, method: 'GET', target, socket, body: undefined }
          : { ...rest, target, socket }
      })
  })
}

/** Bodies that would fill the report of a failure. */
const LARGE: ReadonlyMap<string | undefined, string> = new Map([
  ['HUGE FORM', 'x='.padEnd(300_000, 'y')],
  ['DEEP JSON', '['.repeat(60_000)],
])

/** The bytes of a request (Latin-1) that ends its connection; `lines` come first, as good ones do. */
export function bytesOf(request: GeneratedRequest, lines: readonly string[]): string {
  const { method, target, headers, socket } = request
  const body = LARGE.get(request.body) ?? request.body
  const own = headers.map(([name, text]) => `${name}: ${text}`)
  const handshake = [
    ...['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13'],
    `Sec-WebSocket-Key: ${Buffer.alloc(16, 7).toString('base64')}`,
  ]
  const length = body === undefined ? [] : [`Content-Length: ${body.length}`]
  const end = socket ? handshake : ['Connection: close']
  const head = [`${method} ${target} HTTP/1.1`, ...lines, ...own, ...length, ...end]
  return `${head.join('\r\n')}\r\n\r\n${body ?? ''}`
}

/** A route of a JSON API: `{}` stands for one segment; fields with a value that is nearly right. */
export interface ApiRoute {
  line: string
  fields?: Readonly<Record<string, string>>
}

/** Requests to a JSON API: bodies that are no JSON, no object, or have the wrong things in them. */
export function generatedApiRequest(routes: readonly ApiRoute[]): fc.Arbitrary<GeneratedRequest> {
  return fc.constantFrom(...routes).chain(({ line, fields = {} }) => {
    const [method = '', path = ''] = line.split(' ')
    const names = Object.keys(fields)
    const parameters = [...path.matchAll(/\{\}/g)].map(() => segment)
    // Characters as such: JSON is UTF-8.
    const wrong = fc.oneof(
      value.map((text) => Buffer.from(text, 'latin1').toString('utf8')),
      fc.constantFrom<unknown>(null, true, -1, 1e308, [], {}, ['a'], { length: 1 }, '\ud800', '\0'),
      fc.jsonValue({ maxDepth: 2 }),
    )
    const record = fc
      .array(
        fc.tuple(
          fc.constantFrom(...names, '__proto__', 'constructor', 'x\r\ny'),
          fc.oneof(
            { weight: 1, arbitrary: fc.constant(undefined) },
            { weight: 1, arbitrary: wrong },
          ),
        ),
        { maxLength: 3 },
      )
      .map((changes) => {
        // Written as text, so that a name may be there twice.
        const changed = new Set(changes.map(([name]) => name))
        const kept = Object.entries(fields).filter(([name]) => !changed.has(name))
        const all = [...kept, ...changes.filter(([, one]) => one !== undefined)]
        const members = all.map(([name, one]) => `${JSON.stringify(name)}:${JSON.stringify(one)}`)
        return latin1(`{${members.join(',')}}`)
      })
    return fc.record({
      method: fc.constant(method),
      target: fc.tuple(fc.tuple(...parameters), query).map(([segments, text]) => {
        const parts = [...segments]
        return `${path.replaceAll('{}', () => parts.shift() ?? '')}${text}`
      }),
      headers: fc.constantFrom(
        ...[
          'application/json',
          'application/json',
          'application/json; charset=utf-8',
          'text/plain',
        ].map((type) => [['Content-Type', type] as const]),
      ),
      body: fc.oneof(
        { weight: 6, arbitrary: record },
        { weight: 1, arbitrary: value },
        { weight: 1, arbitrary: fc.json({ maxDepth: 3 }).map(latin1) },
        { weight: 1, arbitrary: fc.constantFrom('DEEP JSON', 'HUGE FORM', '') },
      ),
      socket: fc.constant(false),
    })
  })
}
