import { utf8 } from './utf8.ts'

/** Without the lengths, row `ab` column `c` and row `a` column `bc` would be the same bytes. */
export function lengthPrefixed(...fields: (string | Uint8Array)[]): Buffer {
  const chunks = fields.flatMap((field) => {
    const bytes = typeof field === 'string' ? utf8(field) : field
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return [length, bytes]
  })
  return Buffer.concat(chunks)
}
