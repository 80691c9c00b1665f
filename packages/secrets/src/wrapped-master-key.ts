import { KEY_BYTES } from './aes-gcm.ts'
import { decodeBase64Url, encodeBase64Url } from './base64url.ts'
import { equalSecrets } from './constant-time.ts'
import { MasterKey, MasterKeyError } from './master-key.ts'
import { sha256Hex } from './token.ts'

const FORMAT = 'krw1'
const CHECKSUM_LENGTH = 16

/** A master key as its file holds it when a key service has wrapped it: nothing in it is secret. */
export interface WrappedMasterKey {
  id: string
  createdAt: number
  /** The name that the key service knows its own key by. */
  wrappedBy: string
  /** What only the key service opens. */
  wrapped: Uint8Array
}

/** What the key service authenticates together with the key, so that no file passes for another. */
export function wrappingContext({
  id,
  createdAt,
}: Pick<WrappedMasterKey, 'id' | 'createdAt'>): Record<string, string> {
  return { keyrack: 'master-key', id, 'created-at': String(createdAt) }
}

/** The line of a key file: format, id, time of creation, who wrapped it, the wrapped key, checksum. */
export function formatWrappedMasterKey(key: WrappedMasterKey): string {
  const { id, createdAt, wrappedBy, wrapped } = key
  const name = encodeBase64Url(Buffer.from(wrappedBy))
  const body = `${FORMAT}.${id}.${createdAt}.${name}.${encodeBase64Url(wrapped)}`
  return `${body}.${sha256Hex(body).slice(0, CHECKSUM_LENGTH)}`
}

export function isWrappedMasterKey(text: string): boolean {
  return text.trimStart().startsWith(`${FORMAT}.`)
}

/** Reads what `formatWrappedMasterKey` wrote. */
export function parseWrappedMasterKey(text: string): WrappedMasterKey {
  const line = text.trim()
  const [, id = '', createdAt = '', name = '', value = ''] = line.split('.')
  const wrappedBy = decodeBase64Url(name)?.toString() ?? ''
  const wrapped = decodeBase64Url(value) ?? Buffer.alloc(0)
  if (/^[0-9a-f]{16}$/.test(id) && /^\d{1,15}$/.test(createdAt) && wrapped.length > 0) {
    const key = { id, createdAt: Number(createdAt), wrappedBy, wrapped }
    // Only the one text this key is written as is accepted: that compares the checksum.
    if (equalSecrets(formatWrappedMasterKey(key), line)) return key
  }
  throw new MasterKeyError(
    'This wrapped master key was cut or changed: its checksum does not match.',
  )
}

/** The master key, from what the key service opened. Its id is that of its bytes: no other key passes for it. */
export function unwrapMasterKey(key: WrappedMasterKey, bytes: Uint8Array): MasterKey {
  if (bytes.length === KEY_BYTES) {
    const masterKey = new MasterKey(bytes, key.createdAt, key.wrappedBy)
    if (masterKey.id === key.id) return masterKey
  }
  throw new MasterKeyError('What the key service opened is not the master key of this file.')
}
