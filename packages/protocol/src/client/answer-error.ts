import { ERROR_STATUS, type ErrorCode, KeyrackError } from '../errors.ts'
import { errorCode } from './connect.ts'
import type { Answer } from './exchange.ts'

const BY_STATUS = new Map<number, ErrorCode>([
  [400, 'invalid'],
  [401, 'unauthenticated'],
  [403, 'forbidden'],
  [404, 'not-found'],
  [409, 'conflict'],
  [413, 'too-large'],
  [415, 'unsupported-type'],
  [422, 'invalid'],
  [429, 'throttled'],
  [431, 'too-large'],
  [501, 'not-implemented'],
  [502, 'rack-broken'],
  [503, 'not-ready'],
  [504, 'timeout'],
])

const TEXT_MAX = 2000

/** The error that an answer stands for: our JSON, official JSON, a text, or nothing (clients.md 6). */
export function answerError(answer: Answer, host: string): KeyrackError {
  if (answer.status < 400) {
    return new KeyrackError('rack-broken', `${host} points to another address`, {
      hint: 'redirects are not followed; log in to the address itself',
    })
  }
  const body = parseObject(answer.body)
  const code = knownCode(body.code) ?? BY_STATUS.get(answer.status) ?? 'internal'
  const requestId = textOf(body.request_id) ?? textOf(answer.headers['request-id'])
  const said = textOf(body.error) ?? plainText(answer) ?? bare(answer.status, host)
  const message = requestId === undefined ? said : `${said} (request ${requestId})`
  const field = textOf(body.field)
  const fingerprint = textOf(body.fingerprint) ?? ''
  const retryAfter = answer.headers['retry-after'] ?? ''
  return new KeyrackError(code, message, {
    ...(field === undefined ? {} : { field }),
    ...(/^[0-9a-f]{64}$/.test(fingerprint) ? { fingerprint } : {}),
    ...(/^[1-9]\d{0,5}$/.test(retryAfter) ? { retryAfterSeconds: Number(retryAfter) } : {}),
  })
}

/** What Node's servers read at the most. Official ones read more. */
const HEAD_BYTES_USUAL = 16 * 1024

/**
 * A server hangs up on a head that is too long, and whoever is still sending it then loses the 431
 * that came before. Undefined where this is no such case.
 */
export function hungUpOnHead(
  error: unknown,
  headers: Readonly<Record<string, string>>,
  host: string,
): KeyrackError | undefined {
  const code = errorCode(error)
  if (code !== 'ECONNRESET' && code !== 'EPIPE') return undefined
  const bytes = Object.entries(headers).reduce((sum, [n, v]) => sum + n.length + v.length + 4, 0)
  if (bytes <= HEAD_BYTES_USUAL) return undefined
  return new KeyrackError('too-large', bare(431, host), { cause: error })
}

/** Servers say these two without a word: an unknown route, and a head that they do not read. */
function bare(status: number, host: string): string {
  if (status === 404) return `${host} knows no such path (it answered 404)`
  if (status === 431) return `this is too long for the head of a request to ${host}`
  return `${host} answered ${status}`
}

function plainText(answer: Answer): string | undefined {
  const text = answer.body.trim()
  // A page or a JSON value without `error` is for machines.
  if ((answer.headers['content-type'] ?? '').includes('html') || /^[<[{]/.test(text)) {
    return undefined
  }
  return textOf(text)
}

function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

/**
 * A text of a server as it may be shown: without what a terminal would obey, not endless, and
 * without percent signs, which official clients read as formats.
 */
function textOf(value: unknown): string | undefined {
  if (typeof value !== 'string') return undefined
  const text = value
    .replaceAll('\r\n', '\n')
    .replaceAll(/[^\P{C}\n\t]/gu, '')
    .replaceAll('%', ' percent')
    .trim()
  if (text === '') return undefined
  return text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text
}

function knownCode(value: unknown): ErrorCode | undefined {
  return typeof value === 'string' && Object.hasOwn(ERROR_STATUS, value)
    ? (value as ErrorCode)
    : undefined
}
