import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'

describe('base64url', () => {
  it('reads what it wrote', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const text = encodeBase64Url(bytes)
        expect(text).toMatch(/^[A-Za-z0-9_-]*$/)
        expect(decodeBase64Url(text)).toEqual(Buffer.from(bytes))
      }),
    )
  })

  it('writes only the window of a view on a larger buffer', () => {
    expect(encodeBase64Url(Uint8Array.of(1, 0, 0, 0, 9).subarray(1, 4))).toBe('AAAA')
  })

  it.each([
    ['padding', 'AA=='],
    ['unused bits that are set', 'AB'],
    ['the other alphabet', '+/+/'],
    ['a space', 'AA AA'],
    ['a newline at the end', 'AAAA\n'],
    ['one character too many', 'AAAAA'],
    ['a foreign character', 'AAAé'],
    ['a NUL', 'AAAA\0'],
    ['a dot', 'AA.AA'],
  ])('refuses another spelling: %s', (_, text) => {
    expect(decodeBase64Url(text)).toBeUndefined()
  })

  it('accepts one spelling per value only', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 12 }), (text) => {
        const bytes = decodeBase64Url(text)
        if (bytes !== undefined) expect(encodeBase64Url(bytes)).toBe(text)
      }),
    )
  })
})
