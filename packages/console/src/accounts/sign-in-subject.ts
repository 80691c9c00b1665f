import { sha256Hex } from '@keyrack/secrets'
import { comparableEmail } from './email.ts'

/** Names what is being guessed at without storing what strangers type. */
export function signInSubject(email: string): string {
  return sha256Hex(`sign-in ${comparableEmail(email)}`)
}
