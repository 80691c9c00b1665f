import { describe, expect, it } from 'vitest'
import { type LedgerEntry, LedgerKey } from './ledger-key.ts'
import { Secret } from './secret.ts'

const key = LedgerKey.create()
const PLACE = { table: 'racks', row: 'r1', version: 3 }
const entryOf = (row: string, version = 1): LedgerEntry => ({
  ...{ table: 'racks', row, version },
  mac: key.macOf('L', { table: 'racks', row, version }, [row]),
})
const sumOf = (...entries: LedgerEntry[]) =>
  entries.reduce((sum, entry) => sum + key.summand('L', entry), 0n)

describe('the MAC of a row', () => {
  const mac = key.macOf('L', PLACE, ['hash', 1, null])
  const fits = (changes: Partial<LedgerEntry>, fields: (string | number | null)[], lineage = 'L') =>
    key.fits(lineage, { ...PLACE, mac, ...changes }, fields)

  it('fits what it was made of, under the same key that was kept', () => {
    expect(fits({}, ['hash', 1, null])).toBe(true)
    const kept = LedgerKey.fromSecret(key.toSecret())
    expect(kept.fits('L', { ...PLACE, mac }, ['hash', 1, null])).toBe(true)
  })

  it.each([
    ['another table', { table: 'rack' }, ['hash', 1, null]],
    ['another row', { row: 'r2' }, ['hash', 1, null]],
    ['another version', { version: 2 }, ['hash', 1, null]],
    [
      'another MAC',
      { mac: `${mac.slice(0, -1)}${mac.endsWith('A') ? 'E' : 'A'}` },
      ['hash', 1, null],
    ],
    ['no MAC', { mac: '' }, ['hash', 1, null]],
    ['another value', {}, ['hasH', 1, null]],
    ['an empty text for none', {}, ['hash', 1, '']],
    ['a field less', {}, ['hash', 1]],
    ['a field more', {}, ['hash', 1, null, null]],
    ['text that moved to the next field', {}, ['has', 'h1', null]],
  ])('does not fit %s', (_what, changes, fields) => {
    expect(fits(changes, fields)).toBe(false)
  })

  it('does not fit another lineage, nor another key', () => {
    expect(fits({}, ['hash', 1, null], 'M')).toBe(false)
    expect(LedgerKey.create().fits('L', { ...PLACE, mac }, ['hash', 1, null])).toBe(false)
  })
})

describe('the head', () => {
  const [a, b, c] = [entryOf('a'), entryOf('b'), entryOf('c')]

  it('stands for the entries whatever their order, and for no others', () => {
    expect(key.sumOf(key.head('L', 7, sumOf(a, b, c)))).toBe(
      key.sumOf(key.head('L', 8, sumOf(c, a, b))),
    )
    const whole = key.sumOf(key.head('L', 7, sumOf(a, b)))
    for (const other of [sumOf(a), sumOf(a, b, c), sumOf(a, a, b), sumOf(a, entryOf('b', 2)), 0n]) {
      expect(key.sumOf(key.head('L', 7, other))).not.toBe(whole)
    }
  })

  it('follows entries that come and go, below zero and above the modulus too', () => {
    const empty = key.head('L', 1, 0n)
    expect(key.sumOf(empty)).toBe(0n)
    expect(key.sumOf(key.head('L', 2, sumOf(a, b) - sumOf(b)))).toBe(sumOf(a) % (1n << 256n))
    expect(key.sumOf(key.head('L', 3, -sumOf(a)))).toBe((1n << 256n) - sumOf(a))
    expect(key.sumOf(key.head('L', 4, (1n << 256n) + 5n))).toBe(5n)
  })

  it('hides the sum, and differently each time', () => {
    const heads = [key.head('L', 1, 5n), key.head('L', 2, 5n), key.head('M', 1, 5n)]
    expect(new Set(heads.map(({ sum }) => sum)).size).toBe(3)
    for (const { sum } of heads) expect(sum).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is refused when any part of it is another', () => {
    const head = key.head('L', 7, sumOf(a))
    for (const changed of [
      { lineage: 'M' },
      { number: 8 },
      { sum: key.head('L', 8, 0n).sum },
      { sum: 'not hexadecimal' },
      { mac: '' },
    ]) {
      expect(key.sumOf({ ...head, ...changed })).toBeUndefined()
    }
    expect(LedgerKey.create().sumOf(head)).toBeUndefined()
  })
})

it('a ledger key is 32 bytes, and reads nothing else', () => {
  for (const text of ['', 'AAAA', 'not base64url!', key.toSecret().reveal().slice(1)]) {
    expect(() => LedgerKey.fromSecret(Secret.of(text))).toThrow('32 bytes')
  }
})
