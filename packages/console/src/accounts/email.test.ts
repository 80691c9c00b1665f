import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { comparableEmail, parseEmail } from './email.ts'

describe('an e-mail address', () => {
  it.each([
    ['ada@example.com', 'ada@example.com'],
    ['  Ada@Example.COM\n', 'ada@example.com'],
    ['ada+convox@sub.example.com', 'ada+convox@sub.example.com'],
    ['дима@почта.рф', 'дима@почта.рф'],
    ['ada＠ｅｘａｍｐｌｅ.com', 'ada@example.com'],
    ['jose\u0301@example.com', 'josé@example.com'],
    ['ada@xn--mnchen-3ya.de', 'ada@münchen.de'],
    ['ada@MÜNCHEN。de', 'ada@münchen.de'],
    ['ada@XN--80A1ACNY.xn--p1ai', 'ada@почта.рф'],
    ['ada@0x7f.1', 'ada@0x7f.1'],
    ['ada@[192.0.2.1]', 'ada@[192.0.2.1]'],
    ['ada@xn--', 'ada@xn--'],
  ])('%j is kept as %j', (typed, kept) => {
    expect(parseEmail(typed)).toBe(kept)
  })

  it.each([
    ['nothing', ''],
    ['no @', 'ada'],
    ['two @', 'ada@home@example.com'],
    ['nothing before the @', '@example.com'],
    ['nothing after the @', 'ada@'],
    ['a space inside', 'ada lovelace@example.com'],
    ['a control character', 'ada\u0007@example.com'],
    ['a NUL', 'ada\0@example.com'],
    ['a zero-width space', 'a\u200bda@example.com'],
    ['a right-to-left override', 'ada\u202e@example.com'],
    ['an invisible filler letter', 'ada\u3164@example.com'],
    ['half of a surrogate pair', 'ada\ud800@example.com'],
    ['255 bytes', `${'a'.repeat(243)}@example.com`],
    ['a megabyte', `${'a'.repeat(1024 * 1024)}@example.com`],
  ])('with %s is refused', (_what, typed) => {
    expect(() => parseEmail(typed)).toThrow(
      expect.objectContaining({ code: 'invalid', field: 'email' }),
    )
  })

  it('may have 254 bytes', () => {
    const longest = `${'a'.repeat(242)}@example.com`
    expect(parseEmail(longest)).toBe(longest)
  })

  it('is compared by one spelling: making it comparable twice changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const once = comparableEmail(text)
        expect(comparableEmail(once)).toBe(once)
      }),
    )
  })
})
