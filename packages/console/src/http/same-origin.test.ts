import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { isForeign, isJson, requireOwnOrigin } from './same-origin.ts'

const PLAIN = { host: 'localhost:3000', secure: false }
const TLS = { host: 'keys.example.com', secure: true }

function failureOf(work: () => void): KeyrackError {
  try {
    work()
  } catch (error) {
    if (error instanceof KeyrackError) return error
  }
  throw new Error('it was not refused')
}

describe('whether a page of another origin is asking', () => {
  it.each([
    [{ origin: 'http://localhost:3000' }, PLAIN],
    [{ origin: 'https://keys.example.com' }, TLS],
    // gen1, v2 and v3 always write the port (protocol.md 7.1).
    [{ origin: 'https://keys.example.com:443' }, TLS],
    [{ origin: 'https://keys.example.com' }, { ...TLS, host: 'keys.example.com:443' }],
    // A proxy in front speaks TLS and has not said so.
    [{ origin: 'https://localhost:3000' }, PLAIN],
    [{ 'sec-fetch-site': 'same-origin' }, TLS],
    [{ 'sec-fetch-site': 'none' }, TLS],
    [{}, TLS],
  ])('%j is ours', (headers, facts) => {
    expect(isForeign(headers, facts)).toBe(false)
  })

  it.each([
    [{ origin: 'https://evil.example' }, TLS],
    [{ origin: 'null' }, TLS],
    [{ origin: '' }, TLS],
    [{ origin: 'https://keys.example.com.evil.example' }, TLS],
    [{ origin: 'https://keys.example.com:8443' }, TLS],
    [{ origin: 'http://keys.example.com' }, TLS],
    [{ origin: 'http://localhost:3001' }, PLAIN],
    [{ origin: 'ftp://localhost:3000' }, PLAIN],
    [{ 'sec-fetch-site': 'cross-site' }, TLS],
    [{ 'sec-fetch-site': 'same-site' }, TLS],
    [{ origin: 'https://keys.example.com', 'sec-fetch-site': 'cross-site' }, TLS],
  ])('%j is not', (headers, facts) => {
    expect(isForeign(headers, facts)).toBe(true)
    expect(() => requireOwnOrigin(headers, facts)).toThrow(KeyrackError)
  })

  it('a form that does not show where it comes from is refused', () => {
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    expect(() => requireOwnOrigin(form, TLS)).toThrow('did not come from a page')
    expect(() => requireOwnOrigin({}, TLS)).toThrow('did not come from a page')
    const text = { 'content-type': 'text/plain; application/json' }
    expect(() => requireOwnOrigin(text, TLS)).toThrow('did not come from a page')
    // A program that forgot the header gets there as well.
    const { hint } = failureOf(() => requireOwnOrigin({}, TLS))
    expect(hint).toContain('Content-Type: application/json')
  })

  it('JSON needs no origin, because a browser would have had to ask first', () => {
    const json = { 'content-type': 'application/json; charset=utf-8' }
    expect(() => requireOwnOrigin(json, TLS)).not.toThrow()
  })

  it('reads the content type, not what stands beside it', () => {
    expect(isJson('Application/JSON')).toBe(true)
    expect(isJson('application/jsonp')).toBe(false)
    expect(isJson(undefined)).toBe(false)
  })
})
