import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { findSession } from '../sessions/find.ts'
import { founder, openDomain, PASSWORD, REQUEST } from '../testing/console-domain.ts'
import { resetPassword } from './reset-password.ts'
import { signIn } from './sign-in.ts'
import { FAILURES_MAX } from './sign-in-limit.ts'
import { signInSubject } from './sign-in-subject.ts'

const email = 'ada@example.com'
const password = Secret.of('seven quiet herons at dusk')

describe('resetting a password', () => {
  it('makes the new one good and the old one bad, and ends every session', async () => {
    const domain = await openDomain()
    await founder(domain)
    const old = { email, password: Secret.of(PASSWORD) }
    const { session } = await signIn(domain, old, REQUEST)
    await resetPassword(domain, { email: ' ADA@Example.com', password }, REQUEST)
    expect(await findSession(domain, session.token.reveal())).toBeUndefined()
    await expect(signIn(domain, old, REQUEST)).rejects.toMatchObject({ code: 'unauthenticated' })
    expect((await signIn(domain, { email, password }, REQUEST)).account.email).toBe(email)
  })

  it('lifts the limit that strangers with wrong passwords have brought about', async () => {
    const domain = await openDomain()
    await founder(domain)
    const limited = { subject: signInSubject(email), failures: FAILURES_MAX, last_at: Date.now() }
    await domain.store.db.insertInto('sign_in_failures').values(limited).execute()
    const elsewhere = { ...REQUEST, address: '198.51.100.9' }
    const old = { email, password: Secret.of(PASSWORD) }
    await expect(signIn(domain, old, elsewhere)).rejects.toMatchObject({ code: 'throttled' })
    await resetPassword(domain, { email, password }, REQUEST)
    await expect(signIn(domain, { email, password }, elsewhere)).resolves.toBeDefined()
  })

  it.each([
    ['too short', 'short'],
    ['made of the organization', 'acme acme acme acme'],
    ['made of the address', 'ada@example.com 1'],
  ])('keeps to the rules of sign-up: %s', async (_, text) => {
    const domain = await openDomain()
    await founder(domain)
    const refused = resetPassword(domain, { email, password: Secret.of(text) }, REQUEST)
    await expect(refused).rejects.toMatchObject({ code: 'invalid', field: 'password' })
    const old = { email, password: Secret.of(PASSWORD) }
    await expect(signIn(domain, old, REQUEST)).resolves.toBeDefined()
  })

  it('is on record as the operator’s, and refuses an address without an account', async () => {
    const domain = await openDomain()
    await founder(domain)
    const nobody = resetPassword(domain, { email: 'x@example.com', password }, REQUEST)
    await expect(nobody).rejects.toMatchObject({ code: 'not-found' })
    await resetPassword(domain, { email, password }, REQUEST)
    const rows = await domain.store.db
      .selectFrom('audit')
      .where('action', '=', 'password.reset')
      .select(['actor_id', 'actor_name', 'target'])
      .distinct()
      .execute()
    expect(rows).toEqual([
      { actor_id: null, actor_name: 'the operator of the server', target: email },
    ])
  })
})
