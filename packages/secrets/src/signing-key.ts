import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { Secret } from './secret.ts'
import { utf8 } from './utf8.ts'

/**
 * Ed25519 signatures (RFC 8032) by which a Console shows that something is its own. Keys are the raw
 * 32 bytes in base64url, 43 characters; signatures the raw 64, 86 characters. Each use begins its
 * text with a name and a version, so that a signature for one use is none for another.
 */
const KEY_BYTES = 32
const SIGNATURE_BYTES = 64
/** PKCS #8 and SubjectPublicKeyInfo of an Ed25519 key up to its 32 bytes (RFC 8410 sections 4 and 7). */
const PRIVATE_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

export interface SigningKeyPair {
  publicKey: string
  privateKey: Secret
}

export function generateSigningKey(): SigningKeyPair {
  const pair = generateKeyPairSync('ed25519')
  const seed = pair.privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-KEY_BYTES)
  const raw = pair.publicKey.export({ format: 'der', type: 'spki' }).subarray(-KEY_BYTES)
  return { publicKey: encodeBase64Url(raw), privateKey: Secret.of(encodeBase64Url(seed)) }
}

/** Throws a TypeError for what is no key; the message holds none of it. */
export function signText(privateKey: Secret, text: string): string {
  const seed = decodeBase64Url(privateKey.reveal())
  if (seed?.length !== KEY_BYTES) throw new TypeError('This is not a signing key.')
  const der = Buffer.concat([PRIVATE_HEAD, seed])
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  return encodeBase64Url(sign(null, utf8(text), key))
}

/** False for a wrong signature and for whatever is no key or no signature at all. */
export function signatureFits(publicKey: string, text: string, signature: string): boolean {
  const key = publicKeyFrom(publicKey)
  const bytes = decodeBase64Url(signature)
  if (key === undefined || bytes?.length !== SIGNATURE_BYTES) return false
  return verify(null, utf8(text), key, bytes)
}

export function isSigningPublicKey(text: string): boolean {
  return publicKeyFrom(text) !== undefined
}

function publicKeyFrom(text: string): KeyObject | undefined {
  const raw = decodeBase64Url(text)
  if (raw?.length !== KEY_BYTES) return undefined
  return createPublicKey({ key: Buffer.concat([PUBLIC_HEAD, raw]), format: 'der', type: 'spki' })
}
