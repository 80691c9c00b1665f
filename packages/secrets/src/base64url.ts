/**
 * The bytes of a base64url text (RFC 4648 section 5, no padding), or undefined. Node's decoder skips
 * characters it does not know, takes both alphabets and ignores the unused low bits of the last
 * character, so one value would have many spellings; here only the one canonical spelling is read.
 */
export function decodeBase64Url(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  return bytes.toString('base64url') === text ? bytes : undefined
}

export function encodeBase64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}
