import { KeyrackError } from '@keyrack/protocol'
import { generateSigningKey, hashApiKey, mintApiKey } from '@keyrack/secrets'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRecovery, readRegistration, readRetire, readStage, readUnstage } from './key-form.ts'

const [ONE, TWO] = [hashApiKey(mintApiKey('rack')), hashApiKey(mintApiKey('rack'))]
const FORMS = {
  stage: { read: readStage, right: { roll: 'roll-0001', hash: ONE, copy: 'krs1.sealed' } },
  unstage: { read: readUnstage, right: { roll: 'roll-0001' } },
  retire: { read: readRetire, right: { roll: 'roll-0001', keep: ONE, drop: TWO, not_after: '0' } },
  register: {
    read: readRegistration,
    right: {
      ...{ console: 'console-1', public_key: generateSigningKey().publicKey, take_over: '0' },
    },
  },
} as const

/** What each field may hold, said another way than the code says it. */
const RIGHT: Readonly<Record<string, RegExp>> = {
  roll: /^[\w-]{8,64}$/,
  hash: /^[0-9a-f]{64}$/,
  keep: /^[0-9a-f]{64}$/,
  drop: /^[0-9a-f]{64}$/,
  copy: /^[ -~]{0,4096}$/,
  not_after: /^[0-9]{1,15}$/,
  console: /^[\w-]{1,64}$/,
  public_key: /^[\w-]{43}$/,
  take_over: /^[01]$/,
}

const anything = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.string({ minLength: 5000, maxLength: 5001 }),
  fc.constantFrom('', ' ', '0', '-1', '1e3', '****', '\0', `${ONE}\n`, ONE.toUpperCase(), ' 1'),
)

describe.each(Object.entries(FORMS))('the form of %s', (_name, { read, right }) => {
  it('is read as it is meant', () => {
    expect(() => read(new URLSearchParams(right))).not.toThrow()
  })

  it.each(Object.keys(right))(
    'with anything else as %s is refused by that name, unrepeated',
    (field) => {
      fc.assert(
        fc.property(anything, (value) => {
          fc.pre(!RIGHT[field]?.test(value))
          const form = new URLSearchParams({ ...right, [field]: value })
          try {
            read(form)
          } catch (error) {
            if (!(error instanceof KeyrackError)) throw error
            expect([error.code, error.field]).toEqual(['invalid', field])
            if (value.length > 20) expect(error.message).not.toContain(value)
            return
          }
          throw new Error('it was accepted')
        }),
        { numRuns: 60 },
      )
    },
  )

  it('with a field of another name, or one twice, is refused by that name', () => {
    for (const name of ['x', 'Roll', '', '__proto__', 'hash[]', 'x'.repeat(10_000)]) {
      const form = new URLSearchParams({ ...right, [name]: '1' })
      if (Object.keys(right).includes(name)) continue
      expect(() => read(form)).toThrow(KeyrackError)
    }
    for (const name of Object.keys(right)) {
      const form = new URLSearchParams(right)
      form.append(name, 'again')
      expect(() => read(form)).toThrow(expect.objectContaining({ field: name }))
    }
  })
})

describe('the form of recover', () => {
  it('says nothing about what is wrong, whatever it holds', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string(), fc.string())), (fields) => {
        expect(Object.keys(readRecovery(new URLSearchParams(fields)))).toEqual([
          ...['console', 'nonce', 'signature'],
        ])
      }),
    )
  })
})
