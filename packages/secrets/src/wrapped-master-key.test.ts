import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { createMasterKey, MasterKeyError } from './master-key.ts'
import {
  formatWrappedMasterKey,
  isWrappedMasterKey,
  parseWrappedMasterKey,
  unwrapMasterKey,
  wrappingContext,
} from './wrapped-master-key.ts'

const key = {
  id: '3c9087f7b810166b',
  createdAt: 1_700_000_000_000,
  wrappedBy: 'arn:aws:kms:eu-test-1:111122223333:key/a',
  wrapped: Buffer.from('what only the service opens'),
}
const text = formatWrappedMasterKey(key)

describe('the file of a wrapped master key', () => {
  it('is one line that keeps its format, and is told from one that holds the key as it is', () => {
    expect(text).toMatchInlineSnapshot(
      `"krw1.3c9087f7b810166b.1700000000000.YXJuOmF3czprbXM6ZXUtdGVzdC0xOjExMTEyMjIyMzMzMzprZXkvYQ.d2hhdCBvbmx5IHRoZSBzZXJ2aWNlIG9wZW5z.e1dad2d7ed647141"`,
    )
    expect(isWrappedMasterKey(text)).toBe(true)
    expect(isWrappedMasterKey('krm1.3c9087f7b810166b')).toBe(false)
  })

  it('is read again, with or without an editor’s newline around it', () => {
    for (const file of [text, `${text}\n`, ` ${text}\r\n`]) {
      expect(isWrappedMasterKey(file)).toBe(true)
      expect(parseWrappedMasterKey(file)).toEqual(key)
    }
  })

  it('is refused after any change of one character, and cut at any place', () => {
    for (let position = 0; position < text.length; position += 1) {
      for (const replacement of 'A0b9_-. \n') {
        const changed = text.slice(0, position) + replacement + text.slice(position + 1)
        if (changed !== text) expect(() => parseWrappedMasterKey(changed)).toThrow(MasterKeyError)
      }
      expect(() => parseWrappedMasterKey(text.slice(0, position))).toThrow(MasterKeyError)
    }
  })

  it.each([
    '',
    'krw1',
    'krw1.....',
    'krw1.3c9087f7b810166b.1..AA.0',
    'krw1.3c9087f7b810166b.1.+.+.0',
  ])('is refused when it is %j', (file) =>
    expect(() => parseWrappedMasterKey(file)).toThrow(MasterKeyError),
  )
})

describe('a master key that the service has opened', () => {
  const original = createMasterKey(randomBytes, () => key.createdAt)
  const file = { ...key, id: original.id }

  it('is the one of the file, and knows who wraps it', () => {
    const opened = unwrapMasterKey(file, original.key)
    expect(opened).toMatchObject({ id: original.id, createdAt: key.createdAt })
    expect(opened.wrappedBy).toBe(key.wrappedBy)
    expect(opened.key).toEqual(original.key)
  })

  it.each([0, 31, 32, 33])('is refused when it is %d bytes of something else', (size) => {
    expect(() => unwrapMasterKey(file, randomBytes(size))).toThrow(MasterKeyError)
  })

  it('was wrapped together with its id and its date', () => {
    expect(wrappingContext(file)).toEqual({
      keyrack: 'master-key',
      id: original.id,
      'created-at': '1700000000000',
    })
  })
})
