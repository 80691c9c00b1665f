import { randomBytes, webcrypto } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { open, type SealContext, SealError, seal, sealedWith } from './envelope.ts'
import { Keyring } from './keyring.ts'
import { createMasterKey, MasterKey } from './master-key.ts'
import { Secret } from './secret.ts'

const keyring = new Keyring([createMasterKey()])
const context: SealContext = { table: 'racks', row: 'r1', column: 'sealed_key', version: 3 }
const TEXT = 'cvxr_the-text-nobody-may-read'
const value = Secret.of(TEXT)

/** The error of an envelope that must not open. It may say where and which key, never what. */
function refusal(sealed: string, where: SealContext = context, ring: Keyring = keyring): SealError {
  try {
    open(ring, sealed, where)
  } catch (error) {
    if (!(error instanceof SealError)) throw error
    expect(error.message).not.toContain(TEXT)
    for (const part of sealed.split('.').slice(2)) {
      if (part.length > 8) expect(error.message).not.toContain(part)
    }
    expect(error.cause).toBeUndefined()
    return error
  }
  return expect.fail('it opened')
}

const anyText = fc.string({ unit: 'binary', maxLength: 200 })
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
const anyContext: fc.Arbitrary<SealContext> = fc.record({
  table: name,
  row: name,
  column: name,
  version: fc.nat(),
})

describe('a sealed value', () => {
  it('opens at its place, whatever the text and the place', () => {
    fc.assert(
      fc.property(anyText, anyContext, (text, place) => {
        const sealed = seal(keyring, Secret.of(text), place)
        expect(open(keyring, sealed, place).reveal()).toBe(text)
        expect(sealedWith(sealed)).toBe(keyring.newest.id)
      }),
    )
  })

  it('names its format and master key, shows nothing of the text and is new every time', () => {
    const texts = Array.from({ length: 100 }, () => seal(keyring, value, context))
    for (const sealed of texts) {
      expect(sealed).toMatch(/^krs1\.[0-9a-f]{16}(\.[A-Za-z0-9_-]+){4}$/)
      expect(sealed).not.toContain(TEXT)
    }
    for (const field of [2, 3, 4, 5]) {
      // A fresh data key and two fresh nonces per value.
      expect(new Set(texts.map((sealed) => sealed.split('.')[field])).size).toBe(100)
    }
  })

  it('keeps its format: what an older release sealed still opens', () => {
    const master = new MasterKey(new Uint8Array(32).fill(1), 0)
    let next = 0
    const counting = (size: number) => Uint8Array.from({ length: size }, () => next++)
    const sealed = seal(new Keyring([master]), Secret.of('é'), context, counting)
    expect(sealed).toMatchInlineSnapshot(
      `"krs1.d3877275a71b9b2c.ICEiIyQlJicoKSor.s_gq7CK7jTsMnGjnkN6zVpq0YB2iuwJEZQuxBMNBo5nJ3VOZmxDWOkNtmTxatAy-.LC0uLzAxMjM0NTY3.kVTkyOUp4jiokwMoMM1p9ASk"`,
    )
    expect(open(new Keyring([master]), sealed, context).reveal()).toBe('é')
  })

  it('can be opened by another program that knows the format: two AES-GCM layers', async () => {
    const sealed = seal(keyring, value, context)
    const [format = '', id = '', ...parts] = sealed.split('.')
    const [wrapNonce, wrapped, nonce, ciphertext] = parts.map((part) =>
      Buffer.from(part, 'base64url'),
    )
    const place = [format, id, 'racks', 'r1', 'sealed_key', '3']
    const dataKey = await subtleDecrypt(keyring.newest.key, wrapNonce, wrapped, [
      'data key',
      ...place,
    ])
    const text = await subtleDecrypt(dataKey, nonce, ciphertext, ['value', ...place, wrapped ?? ''])
    expect(text.toString()).toBe(TEXT)
  })
})

describe('a changed sealed value does not open', () => {
  it('with any one bit flipped, at any place', () => {
    const sealed = seal(keyring, Secret.of('key'), context)
    for (let position = 0; position < sealed.length; position += 1) {
      for (let bit = 0; bit < 8; bit += 1) {
        const flipped = String.fromCharCode(sealed.charCodeAt(position) ^ (1 << bit))
        const error = refusal(sealed.slice(0, position) + flipped + sealed.slice(position + 1))
        // Changing the id to another well-formed one asks for a key that is not there.
        const otherId = position >= 5 && position < 21 && /[0-9a-f]/.test(flipped)
        expect(error.code).toBe(otherId ? 'unknown-key' : 'damaged')
      }
    }
  })

  it('with any one bit flipped, for any text and place', () => {
    fc.assert(
      fc.property(anyText, anyContext, fc.nat(), fc.nat(7), (text, place, at, bit) => {
        const sealed = Buffer.from(seal(keyring, Secret.of(text), place))
        const position = at % sealed.length
        sealed[position] = (sealed[position] ?? 0) ^ (1 << bit)
        expect(() => open(keyring, sealed.toString('latin1'), place)).toThrow(SealError)
      }),
      { numRuns: 500 },
    )
  })

  it('with any one bit of the bytes behind the text flipped', () => {
    const fields = seal(keyring, value, context).split('.')
    for (const field of [2, 3, 4, 5]) {
      const bytes = Buffer.from(fields[field] ?? '', 'base64url')
      for (let bit = 0; bit < bytes.length * 8; bit += 1) {
        const changed = Buffer.from(bytes)
        changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
        const error = refusal(fields.with(field, changed.toString('base64url')).join('.'))
        expect([error.code, error.keyId]).toEqual(['damaged', keyring.newest.id])
      }
    }
  })

  it('in another spelling of the same bytes', () => {
    const sealed = seal(keyring, Secret.of('1234'), context)
    const fields = sealed.split('.')
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    // 20 bytes leave four unused bits in the last character.
    const last = fields[5] ?? ''
    const twin = last.slice(0, -1) + alphabet.charAt(alphabet.indexOf(last.slice(-1)) | 1)
    expect(Buffer.from(twin, 'base64url')).toEqual(Buffer.from(last, 'base64url'))
    expect(last.slice(-1)).not.toBe(twin.slice(-1))
    const spellings = [
      fields.with(5, twin),
      fields.with(5, `${last}=`),
      fields.with(5, ` ${last}`),
      fields.with(5, `${last}\n`),
      fields.with(1, (fields[1] ?? '').toUpperCase().replace(/^\d*$/, 'A'.repeat(16))),
      [...fields, ''],
      ['', ...fields],
      fields.with(0, 'KRS1'),
    ]
    for (const spelling of spellings) expect(refusal(spelling.join('.')).code).toBe('damaged')
  })

  it('cut or lengthened at any place', () => {
    const sealed = seal(keyring, value, context)
    for (let length = 0; length < sealed.length; length += 1) {
      expect(refusal(sealed.slice(0, length)).code).toBe('damaged')
    }
    for (const extra of ['A', 'AAAA', '.', '.AAAA']) {
      expect(refusal(sealed + extra).code).toBe('damaged')
    }
  })

  it('joined from the fields of two values of the same place', () => {
    const [a, b] = [seal(keyring, value, context), seal(keyring, value, context)].map((text) =>
      text.split('.'),
    )
    for (let mask = 1; mask < 15; mask += 1) {
      const mixed = a?.map((field, i) => (i > 1 && mask & (1 << (i - 2)) ? b?.[i] : field))
      expect(refusal(mixed?.join('.') ?? '').code).toBe('damaged')
    }
  })
})

describe('a sealed value at another place does not open', () => {
  const elsewhere: [string, Partial<SealContext>][] = [
    ['another row', { row: 'r2' }],
    ['another column', { column: 'pending_key' }],
    ['another table', { table: 'accounts' }],
    ['an older version', { version: 2 }],
    ['a newer version', { version: 4 }],
    ['the first version', { version: 0 }],
    ['row and column exchanged', { row: 'sealed_key', column: 'r1' }],
    ['letters moved from row to column', { row: 'r', column: '1sealed_key' }],
    ['letters moved from table to row', { table: 'rack', row: 'sr1' }],
    ['digits moved from version to column', { column: 'sealed_key3', version: 0 }],
  ]

  it.each(elsewhere)('%s', (_, change) => {
    const sealed = seal(keyring, value, context)
    const error = refusal(sealed, { ...context, ...change })
    expect([error.code, error.keyId]).toEqual(['damaged', keyring.newest.id])
    expect(error.message).toContain('changed, or belongs to another row, column or version')
  })

  it('any two different places', () => {
    fc.assert(
      fc.property(anyContext, anyContext, (a, b) => {
        fc.pre(JSON.stringify(a) !== JSON.stringify(b))
        expect(refusal(seal(keyring, value, a), b).code).toBe('damaged')
      }),
    )
  })
})

describe('master keys', () => {
  const [first, second] = [createMasterKey(undefined, () => 1), createMasterKey(undefined, () => 2)]

  it('of which another one is loaded: the error names the one that is needed', () => {
    const error = refusal(
      seal(new Keyring([first]), value, context),
      context,
      new Keyring([second]),
    )
    expect([error.code, error.keyId]).toEqual(['unknown-key', first.id])
    expect(error.message).toContain(`master key ${first.id}`)
    expect(error.message).toContain('racks.sealed_key (row r1, version 3)')
  })

  it('of which several are loaded: the newest seals, each opens its own', () => {
    const old = seal(new Keyring([first]), value, context)
    const both = new Keyring([first, second])
    expect(sealedWith(seal(both, value, context))).toBe(second.id)
    expect(open(both, old, context).reveal()).toBe(TEXT)
  })

  it('are found by id, never by trial: a text relabelled with another known id does not open', () => {
    const fields = seal(new Keyring([first]), value, context).split('.')
    const both = new Keyring([first, second])
    const error = refusal(fields.with(1, second.id).join('.'), context, both)
    expect([error.code, error.keyId]).toEqual(['damaged', second.id])
  })
})

describe('sealedWith and open, given something else', () => {
  it.each([
    '',
    TEXT,
    '.....',
    'krs1',
    `krs2.${'0'.repeat(16)}.A.A.A.A`,
    '[secret]',
    '💥.💥.💥.💥.💥.💥',
  ])('say that it is no sealed value, and nothing of it (%#)', (text) => {
    expect(refusal(text).code).toBe('damaged')
    expect(refusal(text).keyId).toBeUndefined()
    expect(refusal(text).message).toBe('This is not a sealed value of format krs1.')
    expect(() => sealedWith(text)).toThrow(SealError)
  })
})

describe('mistakes of a caller', () => {
  it.each([
    { ...context, table: '' },
    { ...context, row: '' },
    { ...context, column: '' },
    { ...context, version: -1 },
    { ...context, version: 1.5 },
    { ...context, version: Number.NaN },
    { ...context, version: 2 ** 53 },
    { ...context, row: '\ud800' },
  ])('a value without a place is neither sealed nor opened (%#)', (place) => {
    expect(() => seal(keyring, value, place)).toThrow(TypeError)
    expect(() => open(keyring, seal(keyring, value, context), place)).toThrow(TypeError)
  })

  it('a text that would come back different is not sealed', () => {
    expect(() => seal(keyring, Secret.of('a\ud800'), context)).toThrow(TypeError)
  })

  it('a random source that gives too little seals nothing', () => {
    expect(() => seal(keyring, value, context, (size) => randomBytes(size - 1))).toThrow()
    const shortNonce = (size: number) => randomBytes(size === 12 ? 8 : size)
    expect(() => seal(keyring, value, context, shortNonce)).toThrow(TypeError)
  })

  it('the data key is wiped after use', () => {
    const given: Uint8Array[] = []
    seal(keyring, value, context, (size) => {
      const bytes = randomBytes(size)
      given.push(bytes)
      return bytes
    })
    expect(given[0]).toEqual(Buffer.alloc(32))
  })
})

async function subtleDecrypt(
  key: Uint8Array,
  nonce: Uint8Array = new Uint8Array(),
  sealed: Uint8Array = new Uint8Array(),
  fields: (string | Uint8Array)[],
): Promise<Buffer> {
  const additionalData = Buffer.concat(
    fields.flatMap((field) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(Buffer.byteLength(field))
      return [length, Buffer.from(field)]
    }),
  )
  const imported = await webcrypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
  const algorithm = { name: 'AES-GCM', iv: nonce, additionalData }
  return Buffer.from(await webcrypto.subtle.decrypt(algorithm, imported, sealed))
}
