import { type KeyObject, sign, verify } from 'node:crypto'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { ED25519_BYTES, newSeed, privateKeyFrom, publicBytesOf, publicKeyFrom } from './ed25519.ts'
import { Secret } from './secret.ts'
import { utf8 } from './utf8.ts'

/**
 * Ed25519 signatures (RFC 8032) by which a Console shows that something is its own. Keys are the raw
 * 32 bytes in base64url, 43 characters; signatures the raw 64, 86 characters. Each use begins its
 * text with a name and a version, so that a signature for one use is none for another.
 */
const SIGNATURE_BYTES = 64

export interface SigningKeyPair {
  publicKey: string
  privateKey: Secret
}

export function generateSigningKey(): SigningKeyPair {
  const seed = newSeed()
  return {
    publicKey: encodeBase64Url(publicBytesOf(seed)),
    privateKey: Secret.of(encodeBase64Url(seed)),
  }
}

/** Throws a TypeError for what is no key; the message holds none of it. */
export function signText(privateKey: Secret, text: string): string {
  const seed = decodeBase64Url(privateKey.reveal())
  if (seed?.length !== ED25519_BYTES) throw new TypeError('This is not a signing key.')
  return encodeBase64Url(sign(null, utf8(text), privateKeyFrom(seed)))
}

/** False for a wrong signature and for whatever is no key or no signature at all. */
export function signatureFits(publicKey: string, text: string, signature: string): boolean {
  const key = readPublicKey(publicKey)
  const bytes = decodeBase64Url(signature)
  if (key === undefined || bytes?.length !== SIGNATURE_BYTES) return false
  return verify(null, utf8(text), key, bytes)
}

export function isSigningPublicKey(text: string): boolean {
  return readPublicKey(text) !== undefined
}

function readPublicKey(text: string): KeyObject | undefined {
  const raw = decodeBase64Url(text)
  return raw?.length === ED25519_BYTES ? publicKeyFrom(raw) : undefined
}
