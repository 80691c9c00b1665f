import { WEAK_WORDS } from './weak-words.ts'

/**
 * How many characters of a text are not explained by something a guesser tries first. Each weak
 * piece (a known word, a run like `aaaa`, a sequence like `4321`, a walk on the keyboard like `qwert`)
 * counts one, every other character counts one: `Password12345678` counts 2. This is no estimate of
 * entropy, only a blocklist for long passwords: a list of exact common passwords has hardly any
 * of 15 characters or more, but people pad short ones.
 */
export function unexplainedCharacters(password: string, ownWords: readonly string[]): number {
  const words = [...WEAK_WORDS, ...ownWords]
  const all = [...password.toLowerCase()]
  const text = all.slice(0, LONGEST_LOOK)
  const plain = text.filter(isLetterOrDigit)
  // `p-a-s-s-w-o-r-d`: without its separators, which count once per kind.
  const separators = distinct(text.filter((character) => !isLetterOrDigit(character)))
  const explained = Math.min(
    cheapestCover(text, words),
    cheapestCover(withoutDoubles(text), words),
    cheapestCover(plain, words) + separators,
    cheapestCover(withoutDoubles(plain), words) + separators,
    // Zeros and ones in any order.
    2 * distinct(text),
  )
  return explained + all.length - text.length
}

/** Whether the text is a unit of fewer than `limit` characters, at least twice: `abcabcab`. */
export function repeatsShortUnit(text: string, limit: number): boolean {
  const characters = [...text]
  const longest = Math.min(limit - 1, Math.floor(characters.length / 2))
  const units = Array.from({ length: longest }, (_, i) => i + 1)
  return units.some((unit) =>
    characters.every((character, i) => i < unit || character === characters[i - unit]),
  )
}

/** What a word looks like after `toLowerCase` and without separators, the way it is compared. */
export function foldWord(word: string): string {
  return [...word.toLowerCase()].filter(isLetterOrDigit).join('')
}

const SHORTEST_PIECE = 3

/** Bounds the work on a huge text; what lies behind counts as unexplained. */
const LONGEST_LOOK = 256

/** The digits and signs people write for letters. */
const LOOKALIKES: Readonly<Record<string, string>> = {
  a: '@4',
  b: '8',
  e: '3',
  g: '9',
  i: '1!',
  l: '1!',
  o: '0',
  s: '$5',
  t: '7+',
  z: '2',
}

/** Rows, shifted rows and columns of the usual keyboards, and the number pad. */
const WALKS: readonly string[] = [
  '`1234567890-=',
  '~!@#$%^&*()_+',
  '!"£$%^&*()',
  '1234567890ß',
  'qwertyuiop[]\\',
  'qwertzuiopü',
  'azertyuiop',
  "asdfghjkl;'",
  'asdfghjklöä',
  'qsdfghjklmù',
  'zxcvbnm,./',
  'yxcvbnm,.-',
  'wxcvbn,;:',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  'qazwsxedcrfvtgbyhnujmikolp',
  '!qaz@wsx#edc$rfv%tgb^yhn&ujm*ik<(ol>)p:?',
  '1!2@3#4$5%6^7&8*9(0)',
  '147258369',
  '741852963',
].flatMap((walk) => [walk, [...walk].reverse().join('')])

/** The least number of pieces and single characters the text is made of. */
function cheapestCover(text: readonly string[], words: readonly string[]): number {
  const costs = [0]
  const costAt = (position: number): number => costs[position] ?? Number.POSITIVE_INFINITY
  for (let start = 0; start < text.length; start += 1) {
    const cost = costAt(start) + 1
    for (const length of [1, ...pieceLengths(text, start, words)]) {
      costs[start + length] = Math.min(costAt(start + length), cost)
    }
  }
  return costAt(text.length)
}

/** A prefix of a run, a sequence or a walk is one too, so the longest always covers the most. */
function pieceLengths(text: readonly string[], start: number, words: readonly string[]): number[] {
  const longest = Math.max(sequenceLength(text, start), walkLength(text, start))
  const known = words
    .filter((word) => [...word].every((letter, i) => isWrittenAs(letter, text[start + i])))
    .map((word) => [...word].length)
  return longest >= SHORTEST_PIECE ? [longest, ...known] : known
}

function isWrittenAs(letter: string, written: string | undefined): boolean {
  if (written === undefined) return false
  return written === letter || (LOOKALIKES[letter]?.includes(written) ?? false)
}

/** `aaaa`, `abcd`, `4321`, `2468`: neighbours differ by the same small step, in any alphabet. */
function sequenceLength(text: readonly string[], start: number): number {
  const step = distance(text, start)
  if (Number.isNaN(step) || Math.abs(step) > 2) return 1
  let end = start + 1
  while (distance(text, end) === step) end += 1
  return end - start + 1
}

/** How far the next character is from this one; not a number at the end of the text. */
function distance(text: readonly string[], position: number): number {
  return codeAt(text, position + 1) - codeAt(text, position)
}

function codeAt(text: readonly string[], position: number): number {
  return text[position]?.codePointAt(0) ?? Number.NaN
}

/** Three neighbouring keys or more, in either direction. */
function walkLength(text: readonly string[], start: number): number {
  let length = 0
  for (let end = start + SHORTEST_PIECE; end <= text.length; end += 1) {
    const piece = text.slice(start, end).join('')
    if (!WALKS.some((walk) => walk.includes(piece))) break
    length = end - start
  }
  return length
}

function distinct(text: readonly string[]): number {
  return new Set(text).size
}

function withoutDoubles(text: readonly string[]): string[] {
  return text.filter((character, i) => character !== text[i - 1])
}

function isLetterOrDigit(character: string): boolean {
  return /[\p{L}\p{M}\p{N}]/u.test(character)
}
