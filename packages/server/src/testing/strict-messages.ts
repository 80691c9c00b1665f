/**
 * For tests: HTTP/1.1 read without any mercy. What these readers take has one reading only, so that
 * a request which arrived here was well formed, and an answer was not one of two.
 */

export interface StrictRequest {
  /** `GET /path?query`. */
  line: string
  /** Lower-case names in the order of their arrival. */
  headers: Array<[string, string]>
  /** Latin-1. */
  body: string
}

export interface StrictAnswer {
  status: number
  headers: Map<string, string>
  /** Latin-1. */
  body: string
}

/** What has arrived is no HTTP/1.1 that everybody would read alike. */
export class NotStrict extends Error {}

const REQUEST_LINE = /^([A-Z]+ \/[\x21-\x7e]*) HTTP\/1\.1$/
const STATUS_LINE = /^HTTP\/1\.1 ([1-5]\d\d) [\t\x20-\x7e\x80-\xff]*$/
const HEADER =
  /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/

interface Head {
  first: string
  headers: Array<[string, string]>
  /** Where the body begins. */
  end: number
}

/** The next request of `bytes` (Latin-1) and where it ends; undefined while it is not complete. */
export function readRequest(bytes: string): { request: StrictRequest; end: number } | undefined {
  const head = readHead(bytes)
  if (head === undefined) return undefined
  const [, line] = REQUEST_LINE.exec(head.first) ?? []
  if (line === undefined) throw new NotStrict(`not a request line: ${head.first}`)
  for (const once of ['host', 'authorization']) {
    if (valuesOf(head, once).length !== 1) throw new NotStrict(`not exactly one ${once}`)
  }
  const body = readBody(bytes, head, false)
  return body && { request: { line, headers: head.headers, body: body.text }, end: body.end }
}

/**
 * All final answers in `bytes`, of a connection that is closed by now. `methods`: of the requests
 * that they answer, because an answer to HEAD has a length and no body.
 */
export function readAnswers(bytes: string, methods: readonly string[]): StrictAnswer[] {
  const answers: StrictAnswer[] = []
  let rest = bytes
  while (rest !== '') {
    const head = readHead(rest)
    const [, code] = STATUS_LINE.exec(head?.first ?? '') ?? []
    if (head === undefined || code === undefined) throw new NotStrict(`no answer: ${rest}`)
    const status = Number(code)
    if (status < 200 && status !== 101) {
      rest = rest.slice(head.end)
      continue
    }
    const empty = status === 204 || status === 304 || methods[answers.length] === 'HEAD'
    const body = empty ? { text: '', end: head.end } : readBody(rest, head, true)
    if (body === undefined) throw new NotStrict(`an answer was cut off: ${rest}`)
    answers.push({ status, headers: new Map(head.headers), body: body.text })
    rest = rest.slice(body.end)
  }
  return answers
}

function readHead(bytes: string): Head | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [first = '', ...lines] = bytes.slice(0, end).split('\r\n')
  const headers = lines.map((line): [string, string] => {
    const [, name, value = ''] = HEADER.exec(line) ?? []
    if (name === undefined) throw new NotStrict(`not a header: ${JSON.stringify(line)}`)
    return [name.toLowerCase(), value]
  })
  return { first, headers, end: end + 4 }
}

function valuesOf({ headers }: Head, wanted: string): string[] {
  return headers.flatMap(([name, value]) => (name === wanted ? [value] : []))
}

function readBody(
  bytes: string,
  head: Head,
  untilClose: boolean,
): { text: string; end: number } | undefined {
  const [lengths, codings] = [valuesOf(head, 'content-length'), valuesOf(head, 'transfer-encoding')]
  if (lengths.length + codings.length > 1) throw new NotStrict('the end is told more than once')
  if (codings.length === 1) {
    if (codings[0] !== 'chunked') throw new NotStrict(`not plainly chunked: ${codings[0]}`)
    return readChunks(bytes, head.end)
  }
  const [length] = lengths
  if (length === undefined) {
    // An answer without either ends with its connection; a request has no body then.
    return untilClose
      ? { text: bytes.slice(head.end), end: bytes.length }
      : { text: '', end: head.end }
  }
  if (!/^(?:0|[1-9]\d*)$/.test(length)) throw new NotStrict(`no plain length: ${length}`)
  const end = head.end + Number(length)
  return bytes.length < end ? undefined : { text: bytes.slice(head.end, end), end }
}

function readChunks(bytes: string, from: number): { text: string; end: number } | undefined {
  let text = ''
  let at = from
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    if (lineEnd < 0) return undefined
    const size = bytes.slice(at, lineEnd)
    if (!/^[0-9a-fA-F]{1,8}$/.test(size)) throw new NotStrict(`no plain chunk size: ${size}`)
    const length = Number.parseInt(size, 16)
    const end = lineEnd + 2 + length
    if (bytes.length < end + 2) return undefined
    if (bytes.slice(end, end + 2) !== '\r\n') throw new NotStrict('a chunk does not end as it says')
    if (length === 0) return { text, end: end + 2 }
    text += bytes.slice(lineEnd + 2, end)
    at = end + 2
  }
}
