import { sha256Hex } from '@keyrack/secrets'

/** Names what is being guessed at without storing what strangers type. */
export function signInSubject(comparableEmail: string): string {
  return sha256Hex(`sign-in ${comparableEmail}`)
}
