import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'

/**
 * Ed25519 keys as their raw 32 bytes (RFC 8032), which Node writes and reads only in the wrappings of
 * RFC 8410 sections 4 and 7: PKCS #8 for the seed, SubjectPublicKeyInfo for the public key.
 */
export const ED25519_BYTES = 32

const PRIVATE_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const PUBLIC_HEAD = Buffer.from('302a300506032b6570032100', 'hex')

export function newSeed(): Buffer {
  const { privateKey } = generateKeyPairSync('ed25519')
  return privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-ED25519_BYTES)
}

export function privateKeyFrom(seed: Uint8Array): KeyObject {
  const key = Buffer.concat([PRIVATE_HEAD, seed])
  return createPrivateKey({ key, format: 'der', type: 'pkcs8' })
}

export function publicKeyFrom(raw: Uint8Array): KeyObject {
  const key = Buffer.concat([PUBLIC_HEAD, raw])
  return createPublicKey({ key, format: 'der', type: 'spki' })
}

export function publicBytesOf(seed: Uint8Array): Buffer {
  const der = createPublicKey(privateKeyFrom(seed)).export({ format: 'der', type: 'spki' })
  return der.subarray(-ED25519_BYTES)
}
