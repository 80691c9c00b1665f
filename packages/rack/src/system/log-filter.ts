import { KeyrackError } from '@keyrack/protocol'

const PATTERN_LENGTH_MAX = 1024
const TERM = /([-?]?)(?:"([^"]*)"|(\S+))/g

/**
 * The patterns that official clients pass to CloudWatch for lines of text: every term must occur,
 * none that follows a `-`, and of those after a `?` at least one; `"two words"` is one term.
 */
export function logFilter(pattern: string): (line: string) => boolean {
  if (pattern.length > PATTERN_LENGTH_MAX) {
    throw new KeyrackError('invalid', 'the filter is longer than 1024 characters', {
      field: 'Filter',
    })
  }
  const all: string[] = []
  const none: string[] = []
  const any: string[] = []
  for (const [, mark, quoted, plain] of pattern.matchAll(TERM)) {
    const term = quoted ?? plain ?? ''
    if (term === '') continue
    if (mark === '-') none.push(term)
    else if (mark === '?') any.push(term)
    else all.push(term)
  }
  return (line) =>
    all.every((term) => line.includes(term)) &&
    !none.some((term) => line.includes(term)) &&
    (any.length === 0 || any.some((term) => line.includes(term)))
}
