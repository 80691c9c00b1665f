import { KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import { recordAccountEvent } from '../audit/account-event.ts'
import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { createSession, type NewSession } from '../sessions/create.ts'
import { endSessionsOf } from '../sessions/end.ts'
import { replaceCredential } from '../vault/write-credential.ts'
import { checkNewPassword } from './check-new-password.ts'
import { findByEmail, type StoredPassword } from './find-by-email.ts'
import { liftLimit } from './sign-in-limit.ts'
import { signInSubject } from './sign-in-subject.ts'

export interface PasswordChange {
  /** Of the password until now (`confirmPassword`). */
  proof: StoredPassword
  password: Secret
}

/**
 * Somebody gives their account another password. Every session ends, whoever has it; the answer is
 * the one that takes the place of theirs. The API key is left as it is.
 */
export async function changePassword(
  domain: Domain,
  account: AccountEntry,
  { proof, password }: PasswordChange,
  request: RequestContext,
): Promise<NewSession> {
  const { id, email } = account
  const organizations = domain.directory.organizationsOf(account).map(({ name }) => name)
  checkNewPassword(password, email, organizations)
  const hash = await domain.passwords.hash(password)
  return domain.commit(async (tx) => {
    // It may have been changed while it was verified.
    const stored = await findByEmail(tx, email)
    if (stored?.password_hash !== proof.password_hash) throw changedMeanwhile()
    await replaceCredential(tx, 'accounts', id, () =>
      tx.updateTable('accounts').set({ password_hash: hash }).where('id', '=', id).execute(),
    )
    await endSessionsOf(tx, id)
    await liftLimit(tx, signInSubject(email))
    await recordAccountEvent(domain, account, 'password.change', request, tx)
    return createSession(domain, id, request, tx)
  })
}

function changedMeanwhile(): KeyrackError {
  return new KeyrackError('conflict', 'the password was changed meanwhile', {
    hint: 'sign in with the new one; this change was not made',
  })
}
