import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import {
  createMasterKey,
  formatMasterKey,
  MasterKey,
  MasterKeyError,
  parseMasterKey,
} from './master-key.ts'

const fixed = () =>
  createMasterKey(
    (size) => new Uint8Array(size).fill(7),
    () => 1_700_000_000_000,
  )

describe('createMasterKey', () => {
  it('makes 32 random bytes, known by an id that is computed from them', () => {
    const before = Date.now()
    const a = createMasterKey()
    expect(a.key).toHaveLength(32)
    expect(a.id).toMatch(/^[0-9a-f]{16}$/)
    expect(a.createdAt).toBeGreaterThanOrEqual(before)
    expect(createMasterKey().id).not.toBe(a.id)
    expect(new MasterKey(a.key, 1).id).toBe(a.id)
  })

  it('hands out copies, so that wiping one leaves the key whole', () => {
    const bytes = randomBytes(32)
    const original = Uint8Array.from(bytes)
    const masterKey = new MasterKey(bytes, 1)
    bytes.fill(0)
    masterKey.key.fill(0)
    expect(masterKey.key).toEqual(original)
  })

  it.each([0, 16, 31, 33, 64])('refuses %d bytes', (size) => {
    expect(() => createMasterKey(() => new Uint8Array(size))).toThrow(TypeError)
  })

  it.each([-1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses the time %d', (time) => {
    expect(() => new MasterKey(randomBytes(32), time)).toThrow(TypeError)
  })

  it('is not printed, serialised or cloned with its bytes', () => {
    const masterKey = fixed()
    const shown = [
      inspect(masterKey, { showHidden: true, getters: true, depth: null }),
      JSON.stringify({ masterKey }),
      inspect(structuredClone({ masterKey }), { depth: null }),
      inspect({ ...masterKey }),
      String(masterKey),
    ].join()
    expect(shown).toContain(masterKey.id)
    expect(shown).not.toMatch(/7, 7|Uint8Array|07 07|BwcH/)
  })
})

describe('the text of a key file', () => {
  const masterKey = fixed()
  const text = formatMasterKey(masterKey).reveal()

  it('is one line that keeps its format', () => {
    expect(text).toMatchInlineSnapshot(
      `"krm1.3c9087f7b810166b.1700000000000.BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc.c390c32e53853caf"`,
    )
  })

  it('is read again, with or without an editor’s newline around it', () => {
    for (const file of [text, `${text}\n`, `${text}\r\n`, ` ${text}\n\n`]) {
      const read = parseMasterKey(file)
      expect([read.id, read.createdAt]).toEqual([masterKey.id, masterKey.createdAt])
      expect(read.key).toEqual(masterKey.key)
    }
  })

  it('is refused after any change of one character, and cut at any place', () => {
    for (let position = 0; position < text.length; position += 1) {
      for (const replacement of 'A0b9_-. \n') {
        const changed = text.slice(0, position) + replacement + text.slice(position + 1)
        if (changed !== text) expect(() => parseMasterKey(changed)).toThrow(MasterKeyError)
      }
      expect(() => parseMasterKey(text.slice(0, position))).toThrow(MasterKeyError)
    }
    expect(() => parseMasterKey(`${text}.`)).toThrow(MasterKeyError)
    expect(() => parseMasterKey(`${text}0`)).toThrow(MasterKeyError)
  })

  it('is refused with the id of another key, even under a right checksum', () => {
    const other = formatMasterKey(createMasterKey(randomBytes, () => masterKey.createdAt)).reveal()
    const mixed = text
      .split('.')
      .with(1, other.split('.')[1] ?? '')
      .join('.')
    expect(() => parseMasterKey(mixed)).toThrow('checksum')
  })

  it.each([
    ['nothing', ''],
    ['a password', 'hunter2hunter2'],
    ['a PEM file', '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n'],
    ['a later format', 'krm2.hunter2'],
    ['too few fields', 'krm1.hunter2'],
    ['a huge time', `krm1.a.${'9'.repeat(16)}.${Buffer.alloc(32).toString('base64url')}.hunter2`],
    ['a key of 31 bytes', `krm1.a.1.${Buffer.alloc(31).toString('base64url')}.hunter2`],
  ])('is refused when it is %s, in words that repeat none of it', (_, file) => {
    expect(() => parseMasterKey(file)).toThrow(MasterKeyError)
    expect(() => parseMasterKey(file)).not.toThrow(/hunter2|%/)
  })
})
