import { randomBytes, webcrypto } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { decrypt, encrypt } from './aes-gcm.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(/\s/g, ''), 'hex')

/** The AES-256 cases of the GCM specification (McGrew and Viega, appendix B) with 96-bit nonces. */
const VECTORS = [
  {
    name: 'test case 13',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    plaintext: '',
    additionalData: '',
    ciphertext: '',
    tag: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    name: 'test case 14',
    key: '00'.repeat(32),
    nonce: '00'.repeat(12),
    plaintext: '00'.repeat(16),
    additionalData: '',
    ciphertext: 'cea7403d4d606b6e074ec5d3baf39d18',
    tag: 'd0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    name: 'test case 15',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    plaintext: `d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72
      1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b391aafd255`,
    additionalData: '',
    ciphertext: `522dc1f099567d07f47f37a32a84427d 643a8cdcbfe5c0c97598a2bd2555d1aa
      8cb08e48590dbb3da7b08b1056828838 c5f61e6393ba7a0abcc9f662898015ad`,
    tag: 'b094dac5d93471bdec1a502270e3cc6c',
  },
  {
    name: 'test case 16',
    key: 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308',
    nonce: 'cafebabefacedbaddecaf888',
    plaintext: `d9313225f88406e5a55909c5aff5269a 86a7a9531534f7da2e4c303d8a318a72
      1c3c0c95956809532fcf0e2449a6b525 b16aedf5aa0de657ba637b39`,
    additionalData: 'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    ciphertext: `522dc1f099567d07f47f37a32a84427d 643a8cdcbfe5c0c97598a2bd2555d1aa
      8cb08e48590dbb3da7b08b1056828838 c5f61e6393ba7a0abcc9f662`,
    tag: '76fc6ece0f4e1768cddf8853bb2d551b',
  },
]

describe('AES-256-GCM', () => {
  it.each(VECTORS)('agrees with $name of the GCM specification', (vector) => {
    const { key, nonce, plaintext, additionalData, ciphertext, tag } = vector
    const sealed = encrypt(hex(key), hex(nonce), hex(plaintext), hex(additionalData))
    expect(sealed).toEqual(Buffer.concat([hex(ciphertext), hex(tag)]))
    expect(decrypt(hex(key), hex(nonce), sealed, hex(additionalData))).toEqual(hex(plaintext))
  })

  const key = randomBytes(32)
  const nonce = randomBytes(12)
  const plaintext = Buffer.from('the key of a Rack')
  const data = Buffer.from('racks')
  const sealed = encrypt(key, nonce, plaintext, data)

  it('agrees with another implementation, WebCrypto', async () => {
    const imported = await webcrypto.subtle.importKey('raw', key, 'AES-GCM', false, ['decrypt'])
    const algorithm = { name: 'AES-GCM', iv: nonce, additionalData: data, tagLength: 128 }
    expect(Buffer.from(await webcrypto.subtle.decrypt(algorithm, imported, sealed))).toEqual(
      plaintext,
    )
  })

  it('refuses a text cut to any length, also one that leaves a short tag', () => {
    for (let length = 0; length < sealed.length; length += 1) {
      expect(decrypt(key, nonce, sealed.subarray(0, length), data)).toBeUndefined()
      expect(decrypt(key, nonce, sealed.subarray(sealed.length - length), data)).toBeUndefined()
    }
  })

  it('refuses another key, nonce or additional data', () => {
    expect(decrypt(randomBytes(32), nonce, sealed, data)).toBeUndefined()
    expect(decrypt(key, randomBytes(12), sealed, data)).toBeUndefined()
    expect(decrypt(key, nonce, sealed, Buffer.from('rackt'))).toBeUndefined()
    expect(decrypt(key, nonce, sealed, Buffer.alloc(0))).toBeUndefined()
  })

  it.each([0, 1, 8, 11, 13, 16])('uses no nonce of %d bytes, which Node would take', (size) => {
    expect(() => encrypt(key, randomBytes(size), plaintext, data)).toThrow(TypeError)
    expect(decrypt(key, randomBytes(size), sealed, data)).toBeUndefined()
  })

  it('uses no shorter key', () => {
    expect(() => encrypt(randomBytes(16), nonce, plaintext, data)).toThrow(/key length/i)
    expect(() => decrypt(randomBytes(16), nonce, sealed, data)).toThrow(/key length/i)
  })
})
