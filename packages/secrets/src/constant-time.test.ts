import { readdir, readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { equalSecrets } from './constant-time.ts'

const bytes = (text: string) => new TextEncoder().encode(text)

describe('equalSecrets', () => {
  it('agrees with === for any two texts, of any lengths, given as text or as bytes', () => {
    const text = fc.string({ unit: 'grapheme' })
    fc.assert(
      fc.property(text, text, (a, b) => {
        expect(equalSecrets(a, b)).toBe(a === b)
        expect(equalSecrets(bytes(a), b)).toBe(a === b)
        expect(equalSecrets(a, bytes(b))).toBe(a === b)
        expect(equalSecrets(a, a)).toBe(true)
        expect(equalSecrets(bytes(a), bytes(a))).toBe(true)
        expect(equalSecrets(a, `${a}x`)).toBe(false)
      }),
    )
  })

  it.each([
    ['', 'a'],
    ['a', ''],
    ['key', 'Key'],
    ['key', 'key\0'],
    ['key', 'key\n'],
    ['é', 'e\u0301'],
    ['\ufffd', '\ud800'],
  ])('holds %j and %j apart', (a, b) => {
    expect(equalSecrets(a, b)).toBe(false)
    expect(equalSecrets(b, a)).toBe(false)
  })

  it('takes a text that has no bytes of its own as equal to nothing', () => {
    // Both would be written as U+FFFD.
    expect(equalSecrets('\ud800', '\ud801')).toBe(false)
    expect(equalSecrets('\ud800', '\ud800')).toBe(false)
    expect(equalSecrets(bytes('\ufffd'), '\udc00')).toBe(false)
  })

  it('compares only the window of a view on a larger buffer', () => {
    const whole = bytes('xxkeyxx')
    expect(equalSecrets(whole.subarray(2, 5), 'key')).toBe(true)
    expect(equalSecrets(whole.subarray(2, 6), 'key')).toBe(false)
  })
})

describe('the sources of this package', () => {
  it('compare secrets nowhere else', async () => {
    const folder = new URL('.', import.meta.url)
    const files = (await readdir(folder)).filter((name) => !name.includes('.test.'))
    const users = await Promise.all(
      files.map(async (name) => {
        const source = await readFile(new URL(name, folder), 'utf8')
        return source.includes('timingSafeEqual') ? [name] : []
      }),
    )
    expect(users.flat()).toEqual(['constant-time.ts'])
  })
})
