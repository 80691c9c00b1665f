import { KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import { recordAccountEvent } from '../audit/account-event.ts'
import type { Domain, RequestContext } from '../context.ts'
import { endSessionsOf } from '../sessions/end.ts'
import { checkNewPassword } from './check-new-password.ts'
import { findByEmail } from './find-by-email.ts'
import { liftLimit } from './sign-in-limit.ts'
import { signInSubject } from './sign-in-subject.ts'

/**
 * What the operator of the server does for somebody who has forgotten their password. Ends every
 * session of the account and lifts the limit on wrong passwords; the API key is left as it is.
 */
export async function resetPassword(
  domain: Domain,
  input: { email: string; password: Secret },
  request: RequestContext,
): Promise<{ id: string; email: string }> {
  const row = await findByEmail(domain.store.db, input.email)
  const account = row && domain.directory.accountById(row.id)
  if (account === undefined) {
    throw new KeyrackError('not-found', 'no account has this e-mail address', {
      field: 'email',
      hint: 'an administrator of an organization sees its addresses with: convox members',
    })
  }
  const { email } = account
  const organizations = domain.directory.organizationsOf(account).map(({ name }) => name)
  checkNewPassword(input.password, email, organizations)
  const hash = await domain.passwords.hash(input.password)
  await domain.store.transaction(async (tx) => {
    await tx
      .updateTable('accounts')
      .set({ password_hash: hash })
      .where('id', '=', account.id)
      .execute()
    await endSessionsOf(tx, account.id)
    await liftLimit(tx, signInSubject(email))
    await recordAccountEvent(domain, account, 'password.reset', request, tx, {
      id: null,
      name: 'the operator of the server',
    })
  })
  return { id: account.id, email }
}
