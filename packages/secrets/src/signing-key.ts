import { createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { Secret } from './secret.ts'
import { utf8 } from './utf8.ts'

/** PKCS #8 of an Ed25519 key up to the 32 bytes of its seed (RFC 8410 section 7). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const SEED_BYTES = 32

export interface SigningKey {
  /** The raw 32 bytes, base64url: 43 characters. */
  publicKey: string
  /** The seed, base64url; to be sealed before it is stored. */
  privateKey: Secret
}

/** A new Ed25519 pair, for what one server proves to another. */
export function generateSigningKey(): SigningKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-SEED_BYTES)
  const { x = '' } = createPublicKey(privateKey).export({ format: 'jwk' })
  return { publicKey: x, privateKey: Secret.of(encodeBase64Url(seed)) }
}

/** The signature of a text, base64url. */
export function signText(privateKey: Secret, text: string): string {
  const seed = decodeBase64Url(privateKey.reveal())
  if (seed?.length !== SEED_BYTES) throw new TypeError('This is not the seed of a signing key.')
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_HEAD, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  return encodeBase64Url(sign(null, utf8(text), key))
}
