import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bindValue } from './bind-value.ts'

describe('bindValue', () => {
  it('binds every safe whole number as an integer of the same value', () => {
    fc.assert(fc.property(fc.maxSafeInteger(), (n) => bindValue(n) === BigInt(n)))
    expect(bindValue(-0)).toBe(0n)
  })

  it('binds flags as 1 and 0, keeps text, null and fractions', () => {
    expect([true, false, null, 'text', '', 0.5].map(bindValue)).toEqual([
      1n,
      0n,
      null,
      'text',
      '',
      0.5,
    ])
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        fc.pre(!text.includes('\0'))
        return bindValue(text) === text
      }),
    )
  })

  it.each([
    ['undefined', undefined],
    ['a Date', new Date()],
    ['an object', { a: 1 }],
    ['a list', [1]],
    ['bytes', Buffer.from('x')],
    ['a function', () => 1],
    ['a symbol', Symbol('x')],
    ['NaN', Number.NaN],
    ['an infinite number', Number.NEGATIVE_INFINITY],
    ['a whole number that is no longer exact', 2 ** 53],
    ['an integer above 64 bits', 2n ** 63n],
    ['an integer below 64 bits', -(2n ** 63n) - 1n],
    ['text with a NUL', 'before\0after'],
    ['text with half a character', 'a\ud83d'],
  ])('refuses %s', (_name, value) => {
    expect(() => bindValue(value)).toThrow(TypeError)
  })

  it('never repeats the value in its error', () => {
    expect(() => bindValue('hunter2\0')).toThrow(/^(?!.*hunter2)/)
  })
})
