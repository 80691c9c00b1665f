import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { printable, printableJson, printableLine } from './printable.ts'

describe('text of a server', () => {
  it('can do nothing to a terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = printable(`\u001b[2J\u009b${text}\u0007`).replaceAll(/[\n\t]/g, '')
        expect(shown).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069\u2028\u2029]/u)
      }),
    )
  })

  it('is otherwise as it was', () => {
    const text = 'größer 日本語 👩‍🚀\n\tsecond line'
    expect(printable(text)).toBe(text)
    expect(printable('a\r\nb\rc')).toBe('a\nb\uFFFDc')
  })

  it('is one line in a cell', () => {
    expect(printableLine(' a \n b\tc\n')).toBe('a b c')
  })

  it('means the same as JSON', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.string({ unit: 'binary' }), (value, text) => {
        const json = printableJson({ value, text: `${text}\u007f\u009b\u202e` })
        expect(json.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202e/u)
        expect(JSON.parse(json)).toEqual(
          JSON.parse(JSON.stringify({ value, text: `${text}\u007f\u009b\u202e` })),
        )
      }),
    )
  })
})
