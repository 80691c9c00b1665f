import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type ApiKeyKind,
  hashApiKey,
  inspectApiKey,
  lastFour,
  maskApiKey,
  mintApiKey,
} from './api-key.ts'
import { Secret } from './secret.ts'

const KINDS: ApiKeyKind[] = ['user', 'deploy', 'rack']
const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

function mint(kind: ApiKeyKind = 'user'): string {
  return mintApiKey(kind).reveal()
}

describe('mintApiKey', () => {
  it.each([
    ['user', 'cvxu_'],
    ['deploy', 'cvxd_'],
    ['rack', 'cvxr_'],
  ] as const)('makes a %s key of 44 characters that need no encoding anywhere', (kind, prefix) => {
    for (let i = 0; i < 100; i += 1) {
      const key = mint(kind)
      expect(key).toMatch(/^[A-Za-z0-9_]{44}$/)
      expect(key.startsWith(prefix)).toBe(true)
      expect(encodeURIComponent(key)).toBe(key)
      expect(inspectApiKey(key)).toEqual({ kind })
    }
  })

  it('never makes one twice', () => {
    expect(new Set(Array.from({ length: 1000 }, () => mint().slice(5, 38))).size).toBe(1000)
  })

  it('ends in the CRC-32 of everything before it, as zlib computes it', () => {
    for (const kind of KINDS) {
      const key = mint(kind)
      const sum = [...key.slice(38)].reduce(
        (value, digit) => value * 62 + ALPHABET.indexOf(digit),
        0,
      )
      expect(sum).toBe(crc32(key.slice(0, 38)))
    }
  })

  it('keeps its format: the same randomness gives the same key as ever', () => {
    const bytes = (size: number) => Uint8Array.from({ length: size }, (_, i) => i * 7)
    expect(mintApiKey('rack', bytes).reveal()).toMatchInlineSnapshot(
      `"cvxr_07ELSZgnu18FMTahov29GNUbipw3AHOVc3l4h9u"`,
    )
  })

  it('gives every digit the same number of the 256 bytes, and throws the rest away', () => {
    const counts = new Map<string, number>()
    for (let byte = 0; byte < 256; byte += 1) {
      let calls = 0
      // Only the first answer is the byte under test.
      const random = (size: number): Uint8Array => {
        calls += 1
        return new Uint8Array(size).fill(calls === 1 ? byte : 0)
      }
      const digits = mintApiKey('user', random).reveal().slice(5, 38)
      if (calls === 1) counts.set(digits, (counts.get(digits) ?? 0) + 1)
      else expect(byte).toBeGreaterThanOrEqual(248)
    }
    const expected = [...ALPHABET].map((digit) => [digit.repeat(33), 4] as const)
    expect([...counts].toSorted()).toEqual(expected.toSorted())
  })

  it('asks for more when some bytes were thrown away, and uses no byte twice', () => {
    const asked: number[] = []
    const random = (size: number): Uint8Array => {
      asked.push(size)
      return Uint8Array.from({ length: size }, (_, i) => (i % 2 === 1 ? 255 : 1))
    }
    expect(mintApiKey('user', random).reveal().slice(5, 38)).toBe('1'.repeat(33))
    expect(asked.slice(0, 3)).toEqual([33, 16, 8])
  })
})

describe('inspectApiKey', () => {
  it('notices every single wrong character of 1,000 keys', () => {
    // All 62 digits and the underscore are tried at every position, spread over the keys.
    const replacements = `${ALPHABET}_- é\n`
    for (let n = 0; n < 1000; n += 1) {
      const key = mint(KINDS[n % 3])
      for (let position = 0; position < key.length; position += 1) {
        const original = key.charAt(position)
        const tried = [0, 1, 2, 3].map((k) => replacements.charAt((n + position * 5 + k * 17) % 67))
        const flippedCase =
          original === original.toLowerCase() ? original.toUpperCase() : original.toLowerCase()
        for (const replacement of [...tried, flippedCase]) {
          if (replacement === original) continue
          const changed = key.slice(0, position) + replacement + key.slice(position + 1)
          const problem = 'problem' in inspectApiKey(changed)
          if (!problem) expect.fail(`position ${position}: ${original} to ${replacement} passes`)
        }
      }
    }
  })

  it('notices every replacement at every position of one key', () => {
    const key = mint()
    for (let position = 0; position < key.length; position += 1) {
      for (let code = 0; code < 0x180; code += 1) {
        const changed = key.slice(0, position) + String.fromCharCode(code) + key.slice(position + 1)
        if (changed !== key) expect(inspectApiKey(changed)).toHaveProperty('problem')
      }
    }
  })

  it('notices two neighbouring characters swapped', () => {
    for (let n = 0; n < 200; n += 1) {
      const key = mint()
      for (let i = 5; i < 43; i += 1) {
        const swapped = key.slice(0, i) + key.charAt(i + 1) + key.charAt(i) + key.slice(i + 2)
        if (swapped !== key) expect(inspectApiKey(swapped)).toEqual({ problem: 'checksum' })
      }
    }
  })

  it('says "checksum" for what begins like a key but is cut, longer, or of other characters', () => {
    const key = mint('deploy')
    for (let length = 5; length < 44; length += 1) {
      expect(inspectApiKey(key.slice(0, length))).toEqual({ problem: 'checksum' })
    }
    for (const extra of ['\n', ' ', 'a', '\0', key]) {
      expect(inspectApiKey(key + extra)).toEqual({ problem: 'checksum' })
    }
    expect(inspectApiKey(`cvxu_${' '.repeat(39)}`)).toEqual({ problem: 'checksum' })
    expect(inspectApiKey(`cvxu_${'é'.repeat(39)}`)).toEqual({ problem: 'checksum' })
  })

  it('refuses other characters even where their low bytes have the right checksum', () => {
    const key = mint()
    // U+0141 has the low byte of "A": a sum over low bytes alone would accept it.
    const disguised = key.slice(0, 5) + [...key.slice(5, 38)].map(disguise).join('') + key.slice(38)
    expect(inspectApiKey(disguised)).toEqual({ problem: 'checksum' })
  })

  it.each([
    '',
    'cvx',
    'cvxz_',
    'CVXU_',
    ' cvxu_',
    'password',
    '****',
    'x'.repeat(1 << 20),
    'cvxu-',
  ])('says "not-a-key" for a foreign text (%#)', (text) =>
    expect(inspectApiKey(text)).toEqual({ problem: 'not-a-key' }),
  )

  it('never throws and never accepts any other text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
        expect(inspectApiKey(text)).toHaveProperty('problem')
        expect(inspectApiKey(`cvxu_${text}`)).toEqual({ problem: 'checksum' })
      }),
    )
  })
})

describe('hashApiKey', () => {
  it('is the SHA-256 of the whole text', () => {
    const key = mintApiKey('user')
    const expected = createHash('sha256').update(key.reveal()).digest('hex')
    expect(hashApiKey(key)).toBe(expected)
    expect(hashApiKey(key.reveal())).toBe(expected)
    expect(hashApiKey('abc')).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
  })
})

describe('showing a key', () => {
  it('shows the kind and the last four characters, which belong to the checksum', () => {
    const key = mintApiKey('rack')
    expect(lastFour(key)).toBe(key.reveal().slice(40))
    expect(maskApiKey(key.reveal())).toBe(`cvxr_…${lastFour(key)}`)
  })

  it('shows nothing of a key that is foreign, cut or damaged', () => {
    const key = mint()
    for (const text of ['hunter2', '', key.slice(0, 43), `${key}x`, key.toUpperCase()]) {
      expect(maskApiKey(text)).toBe('…')
    }
    expect(maskApiKey(Secret.of('abcd').reveal())).toBe('…')
  })
})

function disguise(digit: string): string {
  return String.fromCharCode(digit.charCodeAt(0) + 0x100)
}
