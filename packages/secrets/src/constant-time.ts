import { hash, timingSafeEqual } from 'node:crypto'
import { isWellFormed } from './utf8.ts'

/**
 * The one comparison of secrets. Both sides are hashed first, so that texts of any lengths can be
 * compared and the time taken depends neither on the first difference nor on whether the lengths
 * agree (CWE-208). A text that has no UTF-8 form equals nothing, not even itself.
 */
export function equalSecrets(a: string | Uint8Array, b: string | Uint8Array): boolean {
  const equal = timingSafeEqual(digest(a), digest(b))
  return equal && hasBytes(a) && hasBytes(b)
}

function digest(value: string | Uint8Array): Buffer {
  return hash('sha256', value, 'buffer')
}

function hasBytes(value: string | Uint8Array): boolean {
  return typeof value !== 'string' || isWellFormed(value)
}
