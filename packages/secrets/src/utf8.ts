/**
 * The UTF-8 bytes of a text. JavaScript strings can hold half a surrogate pair, which UTF-8 cannot:
 * Node replaces it by U+FFFD, so two different texts would give the same bytes (one password would
 * match another, one row id another). Such a text is refused instead. The message never holds it.
 */
export function utf8(text: string): Buffer {
  if (!isWellFormed(text)) throw new TypeError('The text holds half a surrogate pair.')
  return Buffer.from(text, 'utf8')
}

export function isWellFormed(text: string): boolean {
  return !/\p{Surrogate}/u.test(text)
}
