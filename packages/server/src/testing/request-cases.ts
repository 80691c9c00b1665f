/**
 * For tests: requests as attackers and broken programs write them. What each of them may become at a
 * Rack is written down here and not computed: nothing at all, or exactly one well-formed request.
 */

export interface RequestCase {
  name: string
  /**
   * Latin-1. `KNOWN` stands for the lines that every good request has: `Host`, `Authorization` and
   * `Rack`; `CREDENTIALS` for the last two.
   */
  bytes: string
  /** What arrives: method, target and body. Left out: nothing does. */
  arrives?: readonly [line: string, body: string]
  /** It asks for the connection to end after its answer, so nothing may follow it. */
  last?: true
}

const post = (headers: string, body = '', version = '1.1') =>
  `POST /apps HTTP/${version}\r\nKNOWN\r\n${headers}\r\n\r\n${body}`
const get = (headers: string) => `GET /system HTTP/1.1\r\nKNOWN\r\n${headers}\r\n\r\n`
const line = (text: string) => `${text}\r\nKNOWN\r\n\r\n`
const chunked = (body: string, coding = 'chunked') => post(`Transfer-Encoding: ${coding}`, body)

/** Refused, whatever the connection does then. */
function refused(cases: Record<string, string>): RequestCase[] {
  return Object.entries(cases).map(([name, bytes]) => ({ name, bytes }))
}

/** Its body ends where everybody thinks it does. */
function arriving(
  arrives: readonly [string, string],
  cases: Record<string, string>,
  last = false,
): RequestCase[] {
  return Object.entries(cases).map(([name, bytes]) => {
    return { name, bytes, arrives, ...(last ? { last: true as const } : {}) }
  })
}

/** A request inside of another one: who reads the borders wrongly, runs it. */
const BURIED = 'DELETE /instances/i-9 HTTP/1.1\r\nKNOWN\r\n\r\n'
const END = '0\r\n\r\n'

const LENGTHS: RequestCase[] = [
  ...refused({
    'both lengths, chunked last': post('Content-Length: 5\r\nTransfer-Encoding: chunked', END),
    'both lengths, chunked first': post('Transfer-Encoding: chunked\r\nContent-Length: 5', END),
    'both lengths, a request behind the chunks': post(
      'Content-Length: 200\r\nTransfer-Encoding: chunked',
      `${END}${BURIED}`,
    ),
    'both lengths, the length is 0': post(
      'Content-Length: 0\r\nTransfer-Encoding: chunked',
      `5\r\nabcde\r\n${END}`,
    ),
    'two lengths that differ': post('Content-Length: 5\r\nContent-Length: 6', 'abcdef'),
    'two lengths that agree': post('Content-Length: 5\r\nContent-Length: 5', 'abcde'),
    'two lengths in one': post('Content-Length: 5, 6', 'abcdef'),
    'one length twice in one': post('Content-Length: 5, 5', 'abcde'),
    'a negative length': post('Content-Length: -1'),
    'a length with a plus': post('Content-Length: +5', 'abcde'),
    'a length in hex': post('Content-Length: 0x5', 'abcde'),
    'a length with an exponent': post('Content-Length: 1e1', 'abcdefghij'),
    'a length with a fraction': post('Content-Length: 5.0', 'abcde'),
    'an empty length': post('Content-Length:'),
    'a length beyond 64 bits': post('Content-Length: 18446744073709551621', 'abcde'),
    'a length with a space inside': post('Content-Length: 5 5', 'abcde'),
    'a length in full-width digits': post('Content-Length: \xef\xbc\x95', 'abcde'),
    'a length behind a vertical tab': post('Content-Length: \x0b5', 'abcde'),
    'a length with a space before the colon': post('Content-Length : 5', 'abcde'),
    'a length on a folded line': post('Content-Length:\r\n 5', 'abcde'),
    'a second length behind a NUL': post('Content-Length: 5\0Content-Length: 6', 'abcdef'),
  }),
  ...arriving(['POST /apps', 'abcde'], {
    'a length with zeros in front': post('Content-Length: 0005', 'abcde'),
    'a length with spaces around': post('Content-Length:   5  ', 'abcde'),
    'a length in another case': post('cOnTeNt-LeNgTh: 5', 'abcde'),
    'a length that Connection names': post(
      'Content-Length: 5\r\nConnection: content-length',
      'abcde',
    ),
  }),
  {
    name: 'a request in a body',
    bytes: post('Content-Length: 17', 'GET / HTTP/1.1\r\n\r'),
    arrives: ['POST /apps', 'GET / HTTP/1.1\r\n\r'],
  },
  {
    name: 'a length behind 3,000 headers',
    bytes: post('X:\r\n'.repeat(3_000).concat('Content-Length: 5'), 'abcde'),
    arrives: ['POST /apps', 'abcde'],
  },
  {
    name: 'a GET with a body',
    bytes: get('Content-Length: 5').concat('abcde'),
    arrives: ['GET /system', 'abcde'],
  },
]

const CODINGS: RequestCase[] = [
  ...refused({
    'chunked twice in one': chunked(END, 'chunked, chunked'),
    'chunked twice': post('Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked', END),
    'chunked, then identity': chunked(END, 'chunked, identity'),
    'identity, then chunked': chunked(END, 'identity, chunked'),
    'chunked and identity in two': post(
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
      END,
    ),
    'gzip, then chunked': chunked(END, 'gzip, chunked'),
    'identity alone': chunked('abc', 'identity'),
    'gzip alone': chunked('abc', 'gzip'),
    'an unknown coding': chunked(END, 'xchunked'),
    'chunked in quotes': chunked(END, '"chunked"'),
    'chunked with a parameter': chunked(END, 'chunked;q=1'),
    'chunked behind a comma': chunked(END, ', chunked'),
    'chunked before a comma': chunked(END, 'chunked,'),
    'an empty coding': chunked(END, ''),
    'chunked behind a vertical tab': chunked(END, '\x0bchunked'),
    'chunked behind a form feed': chunked(END, '\x0cchunked'),
    'chunked with tabs around': chunked(END, '\tchunked\t'),
    'chunked before a NUL': chunked(END, 'chunked\0'),
    'a space before the colon': post('Transfer-Encoding : chunked', END),
    'a tab before the colon': post('Transfer-Encoding\t: chunked', END),
    'chunked on a folded line': post('Transfer-Encoding:\r\n chunked', END),
    'chunked on a line folded by a tab': post('Transfer-Encoding:\r\n\tchunked', END),
    'a folded line before it': post('X: y\r\n Transfer-Encoding: chunked', END),
    'chunked in HTTP/1.0': post('Transfer-Encoding: chunked', END, '1.0'),
  }),
  ...arriving(['POST /apps', ''], {
    'chunked in capitals': chunked(END, 'CHUNKED'),
    'chunked with spaces around': chunked(END, '  chunked  '),
    'chunked that Connection names': post(
      'Transfer-Encoding: chunked\r\nConnection: transfer-encoding',
      END,
    ),
  }),
]

const CHUNKS: RequestCase[] = [
  ...refused({
    'a chunk size that is no number': chunked(`zz\r\nab\r\n${END}`),
    'a chunk size with 0x': chunked(`0x2\r\nab\r\n${END}`),
    'a chunk size with a minus': chunked(`-2\r\nab\r\n${END}`),
    'a chunk size with a plus': chunked(`+2\r\nab\r\n${END}`),
    'a chunk size with a space in front': chunked(` 2\r\nab\r\n${END}`),
    'a chunk size beyond 64 bits': chunked(`10000000000000002\r\nab\r\n${END}`),
    'an empty chunk size': chunked(`\r\nab\r\n${END}`),
    'a chunk size ended by LF': chunked(`2\nab\r\n${END}`),
    'a chunk size ended by CR': chunked(`2\rab\r\n${END}`),
    'a chunk longer than it says': chunked(`2\r\nabcd\r\n${END}`),
    'a chunk shorter than it says': chunked(`5\r\nab\r\n${END}xyz\r\n`),
    'a chunk without its CRLF': chunked(`2\r\nab${END}`),
    'a chunk ended by LF': chunked(`2\r\nab\n${END}`),
    'a chunk extension with LF': chunked(`2;a\nb\r\nab\r\n${END}`),
    'a chunk extension with CR': chunked(`2;a\rb\r\nab\r\n${END}`),
    'a chunk extension with a NUL': chunked(`2;a\0b\r\nab\r\n${END}`),
    'a trailer without a colon': chunked(`2\r\nab\r\n0\r\nabc\r\n\r\n`),
    'a trailer with a space before the colon': chunked(`2\r\nab\r\n0\r\nX : y\r\n\r\n`),
    'a trailer that tells a length': chunked('2\r\nab\r\n0\r\nContent-Length: 9\r\n\r\n'),
    'a trailer that tells a coding': chunked('2\r\nab\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n'),
    'a trailer with LF': chunked(`2\r\nab\r\n0\r\nX: y\nZ: z\r\n\r\n`),
  }),
  ...arriving(['POST /apps', 'ab'], {
    'zeros before a chunk size': chunked(`0002\r\nab\r\n0000\r\n\r\n`),
    'a chunk extension': chunked(`2;name=value\r\nab\r\n${END}`),
    'a chunk extension in quotes': chunked(`2;name="a;b"\r\nab\r\n${END}`),
    'trailers that name what matters': chunked(
      '2\r\nab\r\n0\r\nAuthorization: Basic eA==\r\nHost: x\r\nRack: y/z\r\n\r\n',
    ),
  }),
]

const HEADS: RequestCase[] = [
  ...refused({
    'lines ended by LF': `GET /system HTTP/1.1\nKNOWN\n\n`.replaceAll('\r', ''),
    'one header ended by LF': get('Accept: a\nX: b'),
    'one header ended by CR': get('Accept: a\rX: b'),
    'a CR before CRLF': get('Accept: a\r'),
    'a NUL in a value': get('Accept: a\0b'),
    'a NUL in a name': get('Acc\0ept: a'),
    'a control character in a value': get('Accept: a\x01b'),
    'a DEL in a value': get('Accept: a\x7fb'),
    'a space in a name': get('X Y: a'),
    'a space before the colon of Host':
      'GET /system HTTP/1.1\r\nHost : localhost\r\nCREDENTIALS\r\n\r\n',
    'a header without a colon': get('Accept'),
    'a header without a name': get(': a'),
    'a header line that begins with a space': 'GET /system HTTP/1.1\r\n Accept: a\r\nKNOWN\r\n\r\n',
    'a folded header': get('Accept: a\r\n b'),
    'a byte above ASCII in a name': get('Acc\xe9pt: a'),
    'two Hosts that differ': get('Host: elsewhere'),
    'two Hosts that agree': get('Host: localhost'),
    'no Host': 'GET /system HTTP/1.1\r\nCREDENTIALS\r\n\r\n',
    'an empty Host': 'GET /system HTTP/1.1\r\nHost:\r\nCREDENTIALS\r\n\r\n',
    'a Host with a path': 'GET /system HTTP/1.1\r\nHost: localhost/x\r\nCREDENTIALS\r\n\r\n',
    'a Host with a user': 'GET /system HTTP/1.1\r\nHost: a@localhost\r\nCREDENTIALS\r\n\r\n',
    'a Host with two ports': 'GET /system HTTP/1.1\r\nHost: localhost:1:2\r\nCREDENTIALS\r\n\r\n',
    'a Host with a comma': 'GET /system HTTP/1.1\r\nHost: localhost, x\r\nCREDENTIALS\r\n\r\n',
    'two Authorizations': get('Authorization: Basic eA=='),
    'two Racks': get('Rack: acme/dev'),
    'two Content-Types': post('Content-Type: a/b\r\nContent-Type: c/d\r\nContent-Length: 0'),
    'a head of 40 KB in one header': get(`Accept: ${'a'.repeat(40_000)}`),
    'a head of 40 KB in 1,000 headers': get(
      `X: ${'y'.repeat(40)}\r\n`.repeat(1_000).concat('X: y'),
    ),
    'Upgrade to h2c': get(
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__',
    ),
    'a second Host behind 3,000 headers': get('X:\r\n'.repeat(3_000).concat('Host: elsewhere')),
    'a second Rack behind 3,000 headers': get('X:\r\n'.repeat(3_000).concat('Rack: acme/dev')),
    'a target of 40 KB': line(`GET /${'a'.repeat(40_000)} HTTP/1.1`),
  }),
  ...arriving(['GET /system', ''], {
    'empty lines before a request': `\r\n\r\n${get('Accept: */*')}`,
    'a value in Latin-1': get('User-Agent: gr\xfc\xdfe'),
    'an empty value': get('Accept:'),
    'no space after the colon': get('Accept:*/*'),
    '500 headers': get('X: y\r\n'.repeat(499).concat('X: y')),
  }),
]

const LINES: RequestCase[] = [
  ...refused({
    'an absolute target': line('GET http://localhost/system HTTP/1.1'),
    'an absolute target of another host': line('GET http://elsewhere/system HTTP/1.1'),
    'an absolute target with a key': line('GET https://convox:x@localhost/system HTTP/1.1'),
    'an asterisk': line('OPTIONS * HTTP/1.1'),
    'an asterisk of a GET': line('GET * HTTP/1.1'),
    'an authority': line('GET localhost:443 HTTP/1.1'),
    CONNECT: line('CONNECT localhost:1 HTTP/1.1'),
    'CONNECT with a path': line('CONNECT /system HTTP/1.1'),
    'a method nobody knows': line('FETCH /system HTTP/1.1'),
    'a method in lower case': line('get /system HTTP/1.1'),
    TRACE: line('TRACE /system HTTP/1.1'),
    'no method': line('/system HTTP/1.1'),
    'no target': line('GET HTTP/1.1'),
    'a tab for a space': line('GET\t/system\tHTTP/1.1'),
    'a space in a target': line('GET /sys tem HTTP/1.1'),
    'a space after the version': line('GET /system HTTP/1.1 '),
    'HTTP/0.9': 'GET /system\r\n',
    'HTTP/0.9 with headers': 'GET /system\r\nKNOWN\r\n\r\n',
    'HTTP/1.2': line('GET /system HTTP/1.2'),
    'HTTP/3.0': line('GET /system HTTP/3.0'),
    'a version with two digits': line('GET /system HTTP/1.01'),
    'a version in lower case': line('GET /system http/1.1'),
    'the preface of HTTP/2': 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    'a fragment': line('GET /system#x HTTP/1.1'),
    'a byte above ASCII': line('GET /\xe9 HTTP/1.1'),
    'a control character': line('GET /sys\x01tem HTTP/1.1'),
    'a NUL': line('GET /sys\0tem HTTP/1.1'),
    'a backslash': line('GET /system\\logs HTTP/1.1'),
    'an empty segment': line('GET //system HTTP/1.1'),
    'a dot segment': line('GET /apps/../system HTTP/1.1'),
    'an encoded dot segment': line('GET /apps/%2e%2e/system HTTP/1.1'),
    'an encoded slash': line('GET /apps/a%2fb HTTP/1.1'),
    'an encoded letter': line('GET /%73ystem HTTP/1.1'),
    'an encoding of nothing': line('GET /system%zz HTTP/1.1'),
    'an encoded line break': line('GET /system%0d%0aX:%20y HTTP/1.1'),
    'an encoded NUL': line('GET /system%00 HTTP/1.1'),
  }),
  {
    name: 'a query with everything a query may hold',
    bytes: line('GET /system?a=b&c=%0d%0a%00/../ HTTP/1.1'),
    arrives: ['GET /system?a=b&c=%0d%0a%00/../', ''],
  },
  {
    name: 'Expect',
    bytes: post('Expect: 100-continue\r\nContent-Length: 2', 'ab'),
    arrives: ['POST /apps', 'ab'],
  },
  {
    name: 'HTTP/1.0',
    bytes: line('GET /system HTTP/1.0'),
    arrives: ['GET /system', ''],
    last: true,
  },
  {
    name: 'HEAD',
    bytes: line('HEAD /apps/a/objects/x HTTP/1.1'),
    arrives: ['HEAD /apps/a/objects/x', ''],
  },
]

export const REQUEST_CASES: readonly RequestCase[] = [
  ...LENGTHS,
  ...CODINGS,
  ...CHUNKS,
  ...HEADS,
  ...LINES,
]

/** The bytes of a case with the lines of a real person in the place of its words. */
export function fillIn(bytes: string, host: string, credentials: string): string {
  return bytes
    .replaceAll('KNOWN', `Host: ${host}\r\nCREDENTIALS`)
    .replaceAll('CREDENTIALS', credentials)
}
