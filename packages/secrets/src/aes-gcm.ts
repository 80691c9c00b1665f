import { createCipheriv, createDecipheriv } from 'node:crypto'

const CIPHER = 'aes-256-gcm'
const TAG_BYTES = 16
export const KEY_BYTES = 32
export const NONCE_BYTES = 12

/** AES-256-GCM (NIST SP 800-38D): the ciphertext with the 16-byte tag at its end. */
export function encrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  plaintext: Uint8Array,
  additionalData: Uint8Array,
): Buffer {
  if (nonce.length !== NONCE_BYTES) throw new TypeError('A nonce has 12 bytes.')
  const cipher = createCipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  cipher.setAAD(additionalData)
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

/** The plaintext, or undefined when anything at all differs from what was encrypted. */
export function decrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  sealed: Uint8Array,
  additionalData: Uint8Array,
): Buffer | undefined {
  // A cut text would leave a shorter tag, which is easier to forge; it is refused by length here
  // and once more by `authTagLength`.
  if (nonce.length !== NONCE_BYTES || sealed.length < TAG_BYTES) return undefined
  const end = sealed.length - TAG_BYTES
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES })
  decipher.setAAD(additionalData)
  decipher.setAuthTag(sealed.subarray(end))
  const plaintext = decipher.update(sealed.subarray(0, end))
  try {
    decipher.final()
    return plaintext
  } catch {
    // Unauthenticated plaintext never leaves this function.
    plaintext.fill(0)
    return undefined
  }
}
