import { hash, randomBytes } from 'node:crypto'
import { equalSecrets } from './constant-time.ts'
import { ED25519_BYTES, newSeed, publicBytesOf } from './ed25519.ts'
import { Secret } from './secret.ts'
import { utf8 } from './utf8.ts'

/**
 * Ed25519 keys in OpenSSH's own format (openssh-key-v1, described in PROTOCOL.key of OpenSSH),
 * unencrypted: they are sealed before they are stored. Node writes Ed25519 as PKCS #8 only, which
 * neither OpenSSH nor ssh2 reads.
 */
const TYPE = 'ssh-ed25519'
const MAGIC = Buffer.from('openssh-key-v1\0', 'latin1')
const BEGIN = '-----BEGIN OPENSSH PRIVATE KEY-----'
const END = '-----END OPENSSH PRIVATE KEY-----'
const LINES = /.{70}(?=.)/g
/** The block size of the cipher "none". */
const BLOCK_BYTES = 8

/** A key text that cannot be read. The message never holds any of it. */
export class SshKeyError extends Error {
  override readonly name = 'SshKeyError'
}

export function generateSshKeyPair(comment: string): { publicKey: string; privateKey: Secret } {
  // A newline would add a line to authorized_keys.
  if (/\p{Cc}/u.test(comment) || comment.trim() !== comment) {
    throw new TypeError('An SSH key comment holds no control characters and no outer spaces.')
  }
  const seed = newSeed()
  const container = writeContainer(seed, comment, randomBytes(4))
  const body = container.toString('base64').replace(LINES, '$&\n')
  return {
    publicKey: publicLine(publicBlob(publicBytesOf(seed)), comment),
    privateKey: Secret.of([BEGIN, body, END, ''].join('\n')),
  }
}

/** The line `ssh-keygen -y` prints, computed from the secret half of the key. */
export function publicKeyOf(privateKey: Secret): string {
  const [begin, ...lines] = privateKey.reveal().trim().split(/\r?\n/)
  const end = lines.pop()
  const container = decodeBase64(lines.join(''))
  if (begin !== BEGIN || end !== END || container === undefined) throw notAKey()
  return readContainer(container)
}

/** `SHA256:…` as `ssh-keygen -l` prints it, for a public key of any type. */
export function sshFingerprint(publicKey: string): string {
  const [type = '', text = ''] = publicKey.trim().split(/\s+/)
  const blob = decodeBase64(text)
  const named = blob && blob.indexOf(sshString(type)) === 0
  if (type === '' || !named) throw new SshKeyError('This is not an SSH public key.')
  return `SHA256:${hash('sha256', blob, 'base64').replace(/=+$/, '')}`
}

function writeContainer(seed: Uint8Array, comment: string, checkint: Uint8Array): Buffer {
  const key = publicBytesOf(seed)
  const secretPart = Buffer.concat([
    checkint,
    checkint,
    publicBlob(key),
    sshString(Buffer.concat([seed, key])),
    sshString(utf8(comment)),
  ])
  const padding = (BLOCK_BYTES - (secretPart.length % BLOCK_BYTES)) % BLOCK_BYTES
  return Buffer.concat([
    MAGIC,
    sshString('none'),
    sshString('none'),
    sshString(''),
    uint32(1),
    sshString(publicBlob(key)),
    sshString(Buffer.concat([secretPart, Uint8Array.from({ length: padding }, (_, i) => i + 1)])),
  ])
}

/**
 * Takes the seed, the comment and the check number out, writes the container again from these
 * three and accepts only an identical one: that compares the twin numbers, both copies of the public
 * key, the padding and that nothing follows.
 */
function readContainer(container: Buffer): string {
  const blobBytes = publicBlob(new Uint8Array(ED25519_BYTES)).length
  // "none", "none", an empty string and the number of keys are 24 bytes; then the public key and
  // the secret part, each after its length.
  const secretStart = MAGIC.length + 24 + 4 + blobBytes + 4
  const checkint = container.subarray(secretStart, secretStart + 4)
  // Two check numbers, the public key, the length of the secret key.
  const seedStart = secretStart + 8 + blobBytes + 4
  const seed = container.subarray(seedStart, seedStart + ED25519_BYTES)
  // The secret key is the seed and, once more, the public key.
  const commentStart = seedStart + 2 * ED25519_BYTES
  if (container.length < commentStart + 4) throw notAKey()
  const commentEnd = commentStart + 4 + container.readUInt32BE(commentStart)
  const comment = container.subarray(commentStart + 4, commentEnd).toString('utf8')
  if (!equalSecrets(writeContainer(seed, comment, checkint), container)) throw notAKey()
  return publicLine(publicBlob(publicBytesOf(seed)), comment)
}

function publicBlob(key: Uint8Array): Buffer {
  return Buffer.concat([sshString(TYPE), sshString(key)])
}

function publicLine(blob: Uint8Array, comment: string): string {
  return `${TYPE} ${Buffer.from(blob).toString('base64')} ${comment}`.trimEnd()
}

/** RFC 4251 section 5: a string is its length in four bytes, then its bytes. */
function sshString(value: string | Uint8Array): Buffer {
  const bytes = typeof value === 'string' ? utf8(value) : value
  return Buffer.concat([uint32(bytes.length), bytes])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length > 0 && bytes.toString('base64') === text ? bytes : undefined
}

function notAKey(): SshKeyError {
  return new SshKeyError('This is not an unencrypted Ed25519 private key in OpenSSH format.')
}
