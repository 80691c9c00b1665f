import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isWellFormed, utf8 } from './utf8.ts'

describe('utf8', () => {
  it('gives the bytes of any well-formed text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(utf8(text))).toBe(
          text,
        )
      }),
    )
  })

  it.each(['\ud800', '\udc00', 'a\ud800b', '\udc00\ud800', '😀\ud83d'])(
    'refuses half a surrogate pair (%#) without repeating the text',
    (text) => {
      expect(isWellFormed(text)).toBe(false)
      expect(() => utf8(`hunter2${text}`)).toThrow(TypeError)
      expect(() => utf8(`hunter2${text}`)).not.toThrow('hunter2')
    },
  )

  it('takes whole pairs', () => {
    expect(isWellFormed('😀')).toBe(true)
    expect(utf8('😀')).toHaveLength(4)
  })
})
