import { ERROR_STATUS, type ErrorCode, KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { errorResponse } from './error-response.ts'

const ID = 'abcdef012345'
const bodyOf = (error: unknown) => JSON.parse(errorResponse(error, ID).body)

describe('the answer to an error', () => {
  it.each(Object.entries(ERROR_STATUS))('%s has status %i and one line of JSON', (code, status) => {
    const answer = errorResponse(new KeyrackError(code as ErrorCode, 'it did not work'), ID)
    expect(answer.status).toBe(status)
    expect(answer.headers['content-type']).toMatch(/^application\/json\b/)
    expect(answer.body).toBe(`{"error":"it did not work","code":"${code}","request_id":"${ID}"}\n`)
  })

  it('names the field, joins the hint, and never holds a percent sign', () => {
    const error = new KeyrackError('invalid', '100% wrong', { hint: 'type %s', field: 'email' })
    expect(bodyOf(error)).toEqual({
      error: '100 percent wrong; type  percents',
      code: 'invalid',
      request_id: ID,
      field: 'email',
    })
  })

  it('shows the certificate that somebody has to decide about, and no field otherwise', () => {
    const error = new KeyrackError('conflict', 'unknown', { fingerprint: 'ab'.repeat(32) })
    expect(bodyOf(error).fingerprint).toBe('ab'.repeat(32))
    expect(bodyOf(new KeyrackError('conflict', 'no'))).not.toHaveProperty('fingerprint')
  })

  it('asks for a password on 401 and only there', () => {
    const { headers } = errorResponse(new KeyrackError('unauthenticated', 'who are you'), ID)
    expect(headers['www-authenticate']).toBe('Basic realm="convox", charset="UTF-8"')
    const other = errorResponse(new KeyrackError('forbidden', 'no'), ID)
    expect(other.headers['www-authenticate']).toBeUndefined()
  })

  it.each([
    [30, '30'],
    [0.2, '1'],
    [12.1, '13'],
    [0, '1'],
  ])('says when to come back: %d s', (seconds, header) => {
    const error = new KeyrackError('throttled', 'slow down', { retryAfterSeconds: seconds })
    expect(errorResponse(error, ID).headers['retry-after']).toBe(header)
  })

  it('never shows a cause', () => {
    const cause = new Error('password hunter2 at /secret/path')
    const answer = errorResponse(new KeyrackError('not-ready', 'wait', { cause }), ID)
    expect(JSON.stringify(answer)).not.toContain('hunter2')
  })

  it.each([
    ['a bug', new TypeError('hunter2 is not a function')],
    ['text', 'hunter2'],
    ['nothing', undefined],
    ['something that looks like ours', { code: 'forbidden', status: 403, message: 'hunter2' }],
  ])('is 500 with the request id and nothing else for %s', (_what, thrown) => {
    const answer = errorResponse(thrown, ID)
    expect(answer.status).toBe(500)
    expect(bodyOf(thrown)).toMatchObject({ code: 'internal', request_id: ID })
    expect(bodyOf(thrown).error).toContain(ID)
    expect(JSON.stringify(answer)).not.toContain('hunter2')
  })
})
