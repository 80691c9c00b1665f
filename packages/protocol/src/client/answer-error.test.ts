import { describe, expect, it } from 'vitest'
import { ERROR_STATUS, type KeyrackError } from '../errors.ts'
import { answerError } from './answer-error.ts'

function errorOf(status: number, body = '', headers: Record<string, string> = {}): KeyrackError {
  return answerError({ status, body, headers }, 'rack.example:443')
}

describe('answerError', () => {
  it('reads our own shape whole', () => {
    const body = JSON.stringify({
      error: 'no such instance',
      code: 'not-found',
      request_id: 'r1',
      field: 'id',
    })
    expect(errorOf(404, body)).toMatchObject({
      code: 'not-found',
      message: 'no such instance (request r1)',
      field: 'id',
    })
  })

  it.each([
    [400, 'invalid'],
    [401, 'unauthenticated'],
    [403, 'forbidden'],
    [404, 'not-found'],
    [409, 'conflict'],
    [429, 'throttled'],
    [500, 'internal'],
    [501, 'not-implemented'],
    [503, 'not-ready'],
    [504, 'timeout'],
  ])('takes the code from status %i where the body has none', (status, code) => {
    const error = errorOf(status, '{"error":"X"}')
    expect([error.code, error.message]).toEqual([code, 'X'])
  })

  it.each(Object.entries(ERROR_STATUS))('understands our code %s', (code, status) => {
    expect(errorOf(status, JSON.stringify({ error: 'X', code })).code).toBe(code)
  })

  it('has a sentence for what servers answer without a word', () => {
    expect(errorOf(404)).toMatchObject({
      code: 'not-found',
      message: 'rack.example:443 knows no such path (it answered 404)',
    })
    expect(errorOf(431)).toMatchObject({
      code: 'too-large',
      message: 'this is too long for the head of a request to rack.example:443',
    })
  })

  it('shows the text of official Racks, without its newline', () => {
    expect(errorOf(401, 'invalid authentication\n').message).toBe('invalid authentication')
  })

  it('names the request that official Racks name in a header', () => {
    expect(errorOf(500, 'no\n', { 'request-id': 'abc' }).message).toBe('no (request abc)')
  })

  it.each([
    ['nothing', '', {}],
    ['white space', ' \n', {}],
    ['a page', 'Sorry', { 'content-type': 'text/html; charset=utf-8' }],
    ['a page that does not say so', '<html><body>Bad gateway', {}],
    ['JSON without an error', '{"message":"x"}', {}],
    ['JSON with an error of another type', '{"error":{"a":1}}', {}],
    ['a list', '["x"]', {}],
  ])('says only the status of %s', (_name, body, headers) => {
    expect(errorOf(502, body, headers).message).toBe('rack.example:443 answered 502')
  })

  it('believes no fingerprint that is none', () => {
    const read = (fingerprint: unknown) =>
      answerError({ status: 409, headers: {}, body: JSON.stringify({ fingerprint }) }, 'h')
        .fingerprint
    expect(read('ab'.repeat(32))).toBe('ab'.repeat(32))
    for (const wrong of [undefined, 7, '', 'AB'.repeat(32), `${'ab'.repeat(32)}\n\u001b[2J x`]) {
      expect(read(wrong)).toBeUndefined()
    }
  })

  it('believes no code that it does not know', () => {
    expect(errorOf(500, '{"error":"X","code":"toString"}').code).toBe('internal')
    expect(errorOf(403, '{"error":"X","code":7}').code).toBe('forbidden')
  })

  it.each([301, 302, 303, 307, 308])('%i is a redirect that is not followed', (status) => {
    const error = errorOf(status, 'Found. Go to https://evil.example', { location: 'https://e' })
    expect(error.code).toBe('rack-broken')
    expect(error.message).toBe('rack.example:443 points to another address')
  })

  it('reads Retry-After in seconds and ignores what is none', () => {
    expect(errorOf(429, '', { 'retry-after': '30' }).retryAfterSeconds).toBe(30)
    for (const text of ['0', '-1', '1.5', 'Wed, 21 Oct 2026 07:28:00 GMT', '']) {
      expect(errorOf(429, '', { 'retry-after': text }).retryAfterSeconds).toBeUndefined()
    }
  })

  it('shows nothing that a terminal would obey, that a format would read, or without an end', () => {
    const text = errorOf(500, JSON.stringify({ error: '\x1b]0;x\x07red\u202E 100% \nsecond\r\n' }))
    expect(text.message).toBe(']0;xred 100 percent \nsecond')
    expect(errorOf(500, 'x'.repeat(1_000_000)).message.length).toBeLessThan(2100)
  })
})
