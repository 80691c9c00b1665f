import { hashPassword, type Secret, verifyPassword } from '@keyrack/secrets'
import { WorkGate } from './work-gate.ts'

/** Each costs 19 MiB and a core for tens of milliseconds. */
const RUNNING_MAX = 2
const WAITING_MAX = 64

/** Argon2id with a bound on how many run at once, so that guesses cannot take the whole machine. */
export class PasswordWork {
  readonly #gate = new WorkGate(RUNNING_MAX, WAITING_MAX)

  hash(password: Secret): Promise<string> {
    return this.#gate.run(() => hashPassword(password))
  }

  /**
   * Without a hash the same work is done, so the time taken does not tell whether an account exists
   * (ASVS 6.3.8).
   */
  verify(phc: string | undefined, password: Secret): Promise<boolean> {
    return this.#gate.run(() => verifyPassword(phc, password))
  }
}
