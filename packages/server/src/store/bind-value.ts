const INT64_MIN = -(2n ** 63n)
const INT64_MAX = 2n ** 63n - 1n

export type BoundValue = string | number | bigint | null

/**
 * What the driver may be given. It would take more, and store it wrongly: a JavaScript number
 * becomes a REAL (12345678901234 in a text column reads '12345678901234.0'), text is read only up
 * to a NUL, a lone surrogate becomes another character, and a Date or an undefined value depends
 * on the column. Each of those is a programmer's mistake that must show at once.
 */
export function bindValue(value: unknown): BoundValue {
  switch (typeof value) {
    case 'string':
      return text(value)
    case 'number':
      if (Number.isSafeInteger(value)) return BigInt(value)
      if (!Number.isFinite(value)) throw new TypeError('cannot store NaN or an infinite number')
      if (Number.isInteger(value)) throw new TypeError('cannot store a whole number above 2^53')
      return value
    case 'bigint':
      if (value < INT64_MIN || value > INT64_MAX) throw new TypeError('cannot store above 64 bits')
      return value
    case 'boolean':
      return value ? 1n : 0n
    default:
      if (value === null) return null
      throw new TypeError(`cannot store ${nameOf(value)}; store text, a whole number or null`)
  }
}

function text(value: string): string {
  if (value.includes('\0')) throw new TypeError('cannot store text with a NUL character')
  if (/\p{Surrogate}/u.test(value)) throw new TypeError('cannot store half a character (surrogate)')
  return value
}

function nameOf(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`
  return `a ${value.constructor?.name ?? 'object'}`
}
