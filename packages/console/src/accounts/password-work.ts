import type { Secret } from '@keyrack/secrets'

/** Argon2id with a bound on how many run at once, so that guesses cannot take the whole machine. */
export class PasswordWork {
  async hash(_password: Secret): Promise<string> {
    throw new TypeError('not written yet')
  }

  /** `undefined` does the same work and answers false. */
  async verify(_phc: string | undefined, _password: Secret): Promise<boolean> {
    throw new TypeError('not written yet')
  }
}
