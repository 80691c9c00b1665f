import { MAXIMUM_CODE_POINTS, normalizePassword } from './password.ts'
import { foldWord, repeatsShortUnit, unexplainedCharacters } from './password-strength.ts'
import { isWellFormed } from './utf8.ts'
import { PRODUCT_WORDS } from './weak-words.ts'

/** NIST SP 800-63B-4, 3.1.1.2: one code point is one character. */
const MINIMUM = 15
const MINIMUM_WITH_SECOND_FACTOR = 8

export interface PasswordOwner {
  email: string
  organization?: string
}

/**
 * Why this password cannot be chosen, as a sentence for the person who chose it, or undefined.
 * Any characters may be used and none are required (NIST SP 800-63B-4, 3.1.1.2). The sentence never
 * holds the password.
 */
export function passwordProblem(
  password: string,
  about: PasswordOwner,
  options: { secondFactor?: boolean } = {},
): string | undefined {
  if (!isWellFormed(password)) {
    return 'This password holds a broken character, so it could not be typed again; choose another.'
  }
  const text = normalizePassword(password)
  if (text === undefined) {
    return `This password is too long: use at most ${MAXIMUM_CODE_POINTS} characters.`
  }
  const minimum = options.secondFactor ? MINIMUM_WITH_SECOND_FACTOR : MINIMUM
  // The smaller count: some single characters become many under NFKC, some pairs become one.
  if (Math.min([...password].length, [...text].length) < minimum) {
    return `This password is too short: use at least ${minimum} characters, for example a few words that have nothing to do with each other.`
  }
  if (repeatsShortUnit(text.toLowerCase(), minimum)) {
    return 'This password repeats one short piece, which is guessed as quickly as the piece alone; choose another.'
  }
  if (unexplainedCharacters(text, []) < minimum / 2) {
    return 'This password is made of common passwords, sequences or neighbouring keys, which are guessed first; choose another.'
  }
  if (unexplainedCharacters(text, ownWords(about)) < minimum / 2) {
    return 'This password is little more than your e-mail address, your organization or the name of this product; choose another.'
  }
  return undefined
}

function ownWords({ email, organization = '' }: PasswordOwner): string[] {
  const names = [email, organization].map((name) => name.normalize('NFKC'))
  const parts = names.flatMap((name) => [name, ...name.split(/[^\p{L}\p{M}\p{N}]+/u)])
  // Two letters are in every text by chance.
  return [...parts.map(foldWord).filter((word) => word.length >= 3), ...PRODUCT_WORDS]
}
