import { type ErrorBody, errorText, KeyrackError } from '@keyrack/protocol'

export interface ErrorAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

/**
 * The one place where an error becomes an HTTP answer. Anything that is not a KeyrackError is our
 * own mistake: the client gets the request id to quote, and the log gets the reason.
 */
export function errorResponse(error: unknown, requestId: string): ErrorAnswer {
  const known = error instanceof KeyrackError ? error : unexpected(requestId)
  const body: ErrorBody = { error: errorText(known), code: known.code, request_id: requestId }
  if (known.field !== undefined) body.field = known.field
  if (known.fingerprint !== undefined) body.fingerprint = known.fingerprint
  const headers: Record<string, string> = {
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
  }
  if (known.status === 401) {
    // RFC 9110 15.5.2 demands a challenge; RFC 7617 2.1 names the charset.
    headers['www-authenticate'] = 'Basic realm="convox", charset="UTF-8"'
  }
  if (known.retryAfterSeconds !== undefined) {
    headers['retry-after'] = String(Math.max(1, Math.ceil(known.retryAfterSeconds)))
  }
  return { status: known.status, headers, body: `${JSON.stringify(body)}\n` }
}

function unexpected(requestId: string): KeyrackError {
  return new KeyrackError('internal', 'the server failed while handling this request', {
    hint: `its log has the reason under request ${requestId}`,
  })
}
