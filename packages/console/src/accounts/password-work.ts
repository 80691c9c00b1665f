import { hashPassword, mintToken, type Secret, verifyPassword } from '@keyrack/secrets'
import { WorkGate } from './work-gate.ts'

/** Each costs 19 MiB and a core for tens of milliseconds. */
const RUNNING_MAX = 2
const WAITING_MAX = 64

/** Argon2id with a bound on how many run at once, so that guesses cannot take the whole machine. */
export class PasswordWork {
  readonly #gate = new WorkGate(RUNNING_MAX, WAITING_MAX)
  readonly #decoy: string

  private constructor(decoy: string) {
    this.#decoy = decoy
  }

  static async create(): Promise<PasswordWork> {
    return new PasswordWork(await hashPassword(mintToken()))
  }

  hash(password: Secret): Promise<string> {
    return this.#gate.run(() => hashPassword(password))
  }

  /**
   * Without a hash the same work is done on one that nobody knows the password of, so the time
   * taken does not tell whether an account exists (ASVS 6.3.8).
   */
  async verify(phc: string | undefined, password: Secret): Promise<boolean> {
    const right = await this.#gate.run(() => verifyPassword(phc ?? this.#decoy, password))
    return right && phc !== undefined
  }
}
