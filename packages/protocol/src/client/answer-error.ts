import { ERROR_STATUS, type ErrorCode, KeyrackError } from '../errors.ts'
import type { Answer } from './client.ts'

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
  [501, 'not-implemented'],
  [502, 'rack-broken'],
  [503, 'not-ready'],
  [504, 'timeout'],
])

/** The error that an answer stands for: our JSON, official JSON, a text, or nothing (clients.md 6). */
export function answerError(answer: Answer, host: string): KeyrackError {
  const body = parseObject(answer.body)
  const code = knownCode(body['code']) ?? BY_STATUS.get(answer.status) ?? 'internal'
  const requestId = textOf(body['request_id']) ?? answer.headers['request-id']
  const said = textOf(body['error']) ?? plainText(answer) ?? silence(answer, host)
  const message = requestId === undefined ? said : `${said} (request ${requestId})`
  const field = textOf(body['field'])
  const retryAfter = Number(answer.headers['retry-after'])
  return new KeyrackError(code, message, {
    ...(field === undefined ? {} : { field }),
    ...(Number.isInteger(retryAfter) && retryAfter > 0 ? { retryAfterSeconds: retryAfter } : {}),
  })
}

function silence(answer: Answer, host: string): string {
  if (answer.status >= 300 && answer.status < 400) {
    return `${host} points to another address, and redirects are not followed`
  }
  return `${host} answered with status ${answer.status}`
}

function plainText(answer: Answer): string | undefined {
  const text = answer.body.trim()
  if (text === '' || (answer.headers['content-type'] ?? '').includes('html')) return undefined
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text
}

function parseObject(body: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null ? { ...value } : {}
  } catch {
    return {}
  }
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined
}

function knownCode(value: unknown): ErrorCode | undefined {
  const code = textOf(value)
  return code !== undefined && Object.hasOwn(ERROR_STATUS, code) ? (code as ErrorCode) : undefined
}
