import type { KeyrackError } from '@keyrack/protocol'
import type { Context } from 'hono'
import type { JSX } from 'hono/jsx/jsx-runtime'
import type { EdgeEnv } from '../http/edge.ts'

type Status = 200 | 201 | 403 | 404 | 409 | 413 | 415 | 422 | 429 | 500 | 503

export function render(c: Context<EdgeEnv>, page: JSX.Element, status: Status = 200) {
  return c.html(`<!DOCTYPE html>${page}`, status)
}

/** A page that shows an error, with the status and the waiting time that belong to it. */
export function renderError(c: Context<EdgeEnv>, page: JSX.Element, error: KeyrackError) {
  const { retryAfterSeconds } = error
  if (retryAfterSeconds !== undefined) c.header('Retry-After', String(Math.ceil(retryAfterSeconds)))
  return render(c, page, pageStatus(error))
}

/**
 * The status of a page that shows an error. 401 would have to carry a challenge (RFC 9110 15.5.2),
 * and a browser answers that one with a password box of its own.
 */
function pageStatus(error: KeyrackError): Status {
  switch (error.status) {
    case 404:
    case 409:
    case 413:
    case 415:
    case 422:
    case 429:
    case 500:
    case 503:
      return error.status
    default:
      return error.status < 500 ? 403 : 500
  }
}
