import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fromHeader, toHeader } from './header-text.ts'

describe('header texts', () => {
  it('come back as they were sent', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((one) => !/[\p{Cc}]/u.test(one))
    fc.assert(
      fc.property(text, (one) => {
        expect(fromHeader(toHeader('X', one))).toBe(one)
      }),
    )
  })

  it('travel as UTF-8, which is what official clients send', () => {
    expect(Buffer.from(toHeader('Command', 'grüße €'), 'latin1').toString('utf8')).toBe('grüße €')
  })

  it.each(['a\nb', 'a\rb', 'a\0b', '\x7f', '\x1b[2J'])('refuse %j, naming the header', (text) => {
    expect(() => toHeader('Command', text)).toThrow(
      expect.objectContaining({ code: 'invalid', field: 'Command' }),
    )
  })

  it('that are not UTF-8 are read as Latin-1', () => {
    expect(fromHeader('gr\xfc\xdfe')).toBe('grüße')
    expect(fromHeader('plain')).toBe('plain')
    expect(fromHeader(toHeader('X', 'a\ufffdb'))).toBe('a\ufffdb')
  })
})
