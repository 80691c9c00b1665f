import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Secret } from './secret.ts'
import { generateSigningKey, isSigningPublicKey, signatureFits, signText } from './signing-key.ts'

const pair = generateSigningKey()
const signature = signText(pair.privateKey, 'keyrack-test-1\na')

/** RFC 8032 section 7.1, TEST 2. */
const RFC_8032 = {
  seed: '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb',
  publicKey: '3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c',
  signature:
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
    '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
}
const base64Url = (hex: string) => Buffer.from(hex, 'hex').toString('base64url')

describe('a signature', () => {
  it('is what RFC 8032 says it is', () => {
    const key = Secret.of(base64Url(RFC_8032.seed))
    expect(signText(key, 'r')).toBe(base64Url(RFC_8032.signature))
    const fits = signatureFits(base64Url(RFC_8032.publicKey), 'r', base64Url(RFC_8032.signature))
    expect(fits).toBe(true)
  })

  it('fits its own text and key only', () => {
    expect(signatureFits(pair.publicKey, 'keyrack-test-1\na', signature)).toBe(true)
    expect(signatureFits(pair.publicKey, 'keyrack-test-1\nb', signature)).toBe(false)
    expect(signatureFits(generateSigningKey().publicKey, 'keyrack-test-1\na', signature)).toBe(
      false,
    )
  })

  it('fits no more with any one bit changed, in it or in the key', () => {
    const flipped = (text: string, bit: number) => {
      const bytes = Buffer.from(text, 'base64url')
      bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      return bytes.toString('base64url')
    }
    for (let bit = 0; bit < 512; bit++) {
      const wrong = flipped(signature, bit)
      expect(signatureFits(pair.publicKey, 'keyrack-test-1\na', wrong)).toBe(false)
    }
    for (let bit = 0; bit < 256; bit++) {
      const wrong = flipped(pair.publicKey, bit)
      expect(signatureFits(wrong, 'keyrack-test-1\na', signature)).toBe(false)
    }
  })

  it('that is none, or a key that is none, fits nothing and throws nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(signatureFits(pair.publicKey, 'a', text)).toBe(false)
        expect(signatureFits(text, 'a', signature)).toBe(false)
        expect(isSigningPublicKey(text)).toBe(false)
      }),
    )
    expect(isSigningPublicKey(pair.publicKey)).toBe(true)
  })

  it.each(['', 'hunter2', `${signature}`])('is not made with %j', (text) => {
    expect(() => signText(Secret.of(text), 'a')).toThrow(/^This is not a signing key\.$/)
  })
})
