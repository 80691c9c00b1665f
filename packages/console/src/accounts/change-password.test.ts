import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { findSession } from '../sessions/find.ts'
import { entry, founder, openDomain, PASSWORD, REQUEST } from '../testing/console-domain.ts'
import { changePassword } from './change-password.ts'
import { confirmPassword } from './confirm-password.ts'
import { signIn } from './sign-in.ts'

const email = 'ada@example.com'
const old = { email, password: Secret.of(PASSWORD) }
const password = Secret.of('seven quiet herons at dusk')

async function ada() {
  const domain = await openDomain()
  const account = entry(domain, (await founder(domain)).id)
  const proof = await confirmPassword(domain, account, old.password, REQUEST)
  const change = (to = password) =>
    changePassword(domain, account, { proof, password: to }, REQUEST)
  return { domain, change }
}

describe('changing a password', () => {
  it('makes the new one good and the old one bad, and leaves one session, which is new', async () => {
    const { domain, change } = await ada()
    const { session } = await signIn(domain, old, REQUEST)
    const { token } = await change()
    expect(await findSession(domain, session.token.reveal())).toBeUndefined()
    expect(await findSession(domain, token.reveal())).toMatchObject({ account: { email } })
    await expect(signIn(domain, old, REQUEST)).rejects.toMatchObject({ code: 'unauthenticated' })
    expect((await signIn(domain, { email, password }, REQUEST)).account.email).toBe(email)
  })

  it('twice with the same proof happens once', async () => {
    const { domain, change } = await ada()
    const both = [change(), change(Secret.of('eight loud herons at dawn'))]
    const ends = (await Promise.allSettled(both)).map(({ status }) => status)
    expect(ends.toSorted()).toEqual(['fulfilled', 'rejected'])
    await expect(signIn(domain, old, REQUEST)).rejects.toMatchObject({ code: 'unauthenticated' })
  })

  it.each([
    ['too short', 'short'],
    ['made of the organization', 'acme acme acme acme'],
    ['made of the address', 'ada@example.com 1'],
  ])('keeps to the rules of sign-up: %s', async (_, text) => {
    const { domain, change } = await ada()
    const refused = change(Secret.of(text))
    await expect(refused).rejects.toMatchObject({ code: 'invalid', field: 'password' })
    await expect(signIn(domain, old, REQUEST)).resolves.toBeDefined()
  })

  it('is on record as theirs, without either password', async () => {
    const { domain, change } = await ada()
    await change()
    const rows = await domain.store.db
      .selectFrom('audit')
      .where('action', '=', 'password.change')
      .select(['actor_name', 'target'])
      .distinct()
      .execute()
    expect(rows).toEqual([{ actor_name: email, target: email }])
    const written = JSON.stringify(await domain.store.db.selectFrom('audit').selectAll().execute())
    expect(written + domain.lines.join('')).not.toContain('herons at dusk')
  })
})
