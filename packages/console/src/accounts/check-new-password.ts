import { KeyrackError } from '@keyrack/protocol'
import { passwordProblem, type Secret } from '@keyrack/secrets'

/** The rules for a password, wherever it is chosen. It may be made of no organization's name. */
export function checkNewPassword(
  password: Secret,
  email: string,
  organizations: readonly string[],
): void {
  const about = { email, organization: organizations.join(' ') }
  const problem = passwordProblem(password.reveal(), about)
  if (problem !== undefined) throw new KeyrackError('invalid', problem, { field: 'password' })
}
