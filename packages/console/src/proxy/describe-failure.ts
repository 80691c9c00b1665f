/** What a person is told when a Rack does not answer as it should: its name, never only an address. */
import { KeyrackError } from '@keyrack/protocol'
import { connectionError } from '@keyrack/protocol/client'
import { errors } from 'undici'

/** The last: a value with a control character, which must not be passed on either. */
const NOT_HTTP: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_OVERFLOW',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'ERR_INVALID_CHAR',
])

/** The client left before its answer was complete; there is nobody to tell. */
export class ClientGone extends Error {}

export function describeFailure(error: unknown, rackName: string): Error {
  if (error instanceof ClientGone) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_TIMEOUT') {
    return new KeyrackError('timeout', `${rackName} did not answer in time`, { cause: error })
  }
  if (code.startsWith('HPE_') || NOT_HTTP.has(code) || error instanceof errors.HTTPParserError) {
    return new KeyrackError('rack-broken', `${rackName} gave an answer that is not HTTP`, {
      cause: error,
    })
  }
  if (isBrokenOff(error)) {
    return new KeyrackError('rack-broken', `${rackName} broke off the connection`, {
      cause: error,
      hint: 'it may be restarting; whether the request took effect is not known',
    })
  }
  return named(connectionError(error, rackName, 443), rackName)
}

/** A connection that ended before an answer began, as a kept one does when its peer closes it. */
export function isBrokenOff(error: unknown): boolean {
  return ['UND_ERR_SOCKET', 'ECONNRESET', 'EPIPE'].includes(codeOf(error))
}

function named(error: KeyrackError, rackName: string): KeyrackError {
  if (error.message.includes(rackName)) return error
  if (error.code === 'rack-unreachable') {
    return new KeyrackError('rack-unreachable', `${rackName} cannot be reached`, {
      cause: error,
      hint: 'it may be restarting; try again in a moment, and if it stays so look at its server',
    })
  }
  return new KeyrackError(error.code, `${rackName}: ${error.message}`, {
    cause: error,
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  })
}

function codeOf(error: unknown): string {
  // A KeyrackError's code is ours, not the system's.
  if (typeof error !== 'object' || error === null || error instanceof KeyrackError) return ''
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
