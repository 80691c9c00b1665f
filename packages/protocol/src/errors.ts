/**
 * Every failure a person can meet has a stable code. The status belongs to the code, so one table
 * maps errors to HTTP, and a client can act on `code` without reading the text.
 */
export const ERROR_STATUS = {
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  'too-large': 413,
  'unsupported-type': 415,
  invalid: 422,
  throttled: 429,
  internal: 500,
  'not-implemented': 501,
  'rack-refused': 502,
  'rack-broken': 502,
  'not-ready': 503,
  'rack-unreachable': 503,
  timeout: 504,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

export interface ErrorDetails {
  /** What to do next, one sentence; joined to the message where only one text can be shown. */
  hint?: string
  /** The input that was wrong, as the caller named it. */
  field?: string
  /** Seconds after which trying again can help (`Retry-After`). */
  retryAfterSeconds?: number
  /** SHA-256 of a certificate, hex, where trusting it is for the caller to decide. */
  fingerprint?: string
  /** The private reason: logged, never shown. */
  cause?: unknown
}

/** A user's mistake or an outside failure, with a text that is safe to show. */
export class KeyrackError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined
  readonly field: string | undefined
  readonly retryAfterSeconds: number | undefined
  readonly fingerprint: string | undefined

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.name = 'KeyrackError'
    this.code = code
    this.hint = details.hint
    this.field = details.field
    this.retryAfterSeconds = details.retryAfterSeconds
    this.fingerprint = details.fingerprint
  }

  get status(): number {
    return ERROR_STATUS[this.code]
  }
}

/** The body of every error answer. */
export interface ErrorBody {
  error: string
  code: ErrorCode
  request_id: string
  field?: string
  fingerprint?: string
}

/**
 * The one text for clients that show only `error`. Official CLIs use it as a Go format string
 * (protocol.md 0.1 item 9), so it never holds a percent sign.
 */
export function errorText(error: KeyrackError): string {
  const text = error.hint === undefined ? error.message : `${error.message}; ${error.hint}`
  return text.replaceAll('%', ' percent')
}
