import { Secret, sha256Hex } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { signUp } from '../accounts/sign-up.ts'
import {
  entry,
  founder,
  invited,
  openDomain,
  PASSWORD,
  REQUEST,
  type TestDomain,
} from '../testing/console-domain.ts'
import { type InviteInput, invite } from './invite.ts'

const DAY_MS = 24 * 60 * 60_000

async function withFounder(domain?: TestDomain) {
  const opened = domain ?? (await openDomain())
  const ada = await founder(opened)
  const inviteAs = (accountId: string, input: InviteInput) =>
    invite(opened, entry(opened, accountId), input, REQUEST)
  const join = (token: Secret, email: string) =>
    signUp(opened, { email, password: Secret.of(PASSWORD), invitation: token.reveal() }, REQUEST)
  return { domain: opened, ada, inviteAs, join }
}

describe('an invitation', () => {
  it('is shown once, stored as a hash and valid for seven days', async () => {
    let now = Date.parse('2026-11-23T12:00:00Z')
    const { domain, ada, inviteAs, join } = await withFounder(
      await openDomain(undefined, { clock: () => now }),
    )
    const made = await inviteAs(ada.id, { organization: 'acme' })
    expect(made).toMatchObject({ organization: 'acme', role: 'developer' })
    expect(made.expiresAt).toBe(now + 7 * DAY_MS)
    const [row] = await domain.store.db.selectFrom('invitations').selectAll().execute()
    expect(row?.token_hash).toBe(sha256Hex(made.token.reveal()))
    expect(JSON.stringify([row, domain.lines])).not.toContain(made.token.reveal())

    now += 7 * DAY_MS
    await expect(join(made.token, 'bob@example.com')).rejects.toMatchObject({
      code: 'forbidden',
      field: 'invitation',
    })
    now -= 1
    await join(made.token, 'bob@example.com')
  })

  it('is not made for who is a member already, in any capitals', async () => {
    const { domain, ada, inviteAs } = await withFounder()
    for (const email of ['ada@example.com', ' ADA@Example.com']) {
      await expect(inviteAs(ada.id, { organization: 'acme', email })).rejects.toMatchObject({
        code: 'conflict',
        field: 'email',
        message: 'ada@example.com is a member of acme already',
      })
    }
    const rows = await domain.store.db.selectFrom('invitations').selectAll().execute()
    expect(rows).toEqual([])
  })

  it('is not valid when it was made while the clock was ahead, or it would be for too long', async () => {
    let now = Date.parse('2036-11-23T12:00:00Z')
    const { ada, inviteAs, join } = await withFounder(
      await openDomain(undefined, { clock: () => now }),
    )
    const made = await inviteAs(ada.id, { organization: 'acme' })
    now = Date.parse('2026-11-23T12:00:00Z')
    await expect(join(made.token, 'bob@example.com')).rejects.toMatchObject({
      code: 'forbidden',
      field: 'invitation',
    })
  })

  it('works once', async () => {
    const { ada, inviteAs, join } = await withFounder()
    const { token } = await inviteAs(ada.id, { organization: 'acme' })
    await join(token, 'bob@example.com')
    await expect(join(token, 'cyd@example.com')).rejects.toMatchObject({ field: 'invitation' })
  })

  it('bound to an address works for that one only, in any spelling', async () => {
    const { ada, inviteAs, join } = await withFounder()
    const { token, email } = await inviteAs(ada.id, {
      organization: 'acme',
      email: 'Bob@Example.com',
    })
    expect(email).toBe('bob@example.com')
    await expect(join(token, 'eve@example.com')).rejects.toMatchObject({ field: 'invitation' })
    expect((await join(token, ' BOB@example.com')).email).toBe('bob@example.com')
  })

  it('may be made by administrators of the organization only', async () => {
    const { domain, ada, inviteAs } = await withFounder()
    for (const role of ['operator', 'developer', 'viewer']) {
      const member = await invited(domain, ada, `${role}@example.com`, role)
      await expect(inviteAs(member.id, { organization: 'acme' })).rejects.toMatchObject({
        code: 'forbidden',
      })
      await expect(inviteAs(member.id, {})).rejects.toMatchObject({ code: 'forbidden' })
    }
    const second = await invited(domain, ada, 'second@example.com', 'administrator')
    expect((await inviteAs(second.id, { organization: 'acme' })).role).toBe('developer')
    await expect(inviteAs(second.id, {})).rejects.toMatchObject({ code: 'forbidden' })
  })

  it('to an organization of others looks like one to an organization that is not there', async () => {
    const { ada, inviteAs, domain } = await withFounder()
    const { token } = await inviteAs(ada.id, {})
    await signUp(
      domain,
      {
        email: 'cyd@example.com',
        password: Secret.of(PASSWORD),
        invitation: token.reveal(),
        organization: 'umbrella',
      },
      REQUEST,
    )
    // The server administrator is no member there, so it is hidden from them as well.
    const foreign = inviteAs(ada.id, { organization: 'umbrella' })
    const absent = inviteAs(ada.id, { organization: 'nowhere' })
    const errors = await Promise.all([foreign, absent].map((work) => work.catch((e: Error) => e)))
    expect(errors[0]).toMatchObject({ code: 'not-found', field: 'organization' })
    expect(errors[1]).toMatchObject({ message: (errors[0] as Error).message, code: 'not-found' })
  })

  it.each([
    ['role', { organization: 'acme', role: 'root' }],
    ['role', { organization: 'acme', role: '' }],
    ['role', { role: 'viewer' }],
    ['email', { organization: 'acme', email: 'nobody' }],
  ])('with a wrong %s is refused by name', async (field, input) => {
    const { ada, inviteAs } = await withFounder()
    await expect(inviteAs(ada.id, input)).rejects.toMatchObject({ code: 'invalid', field })
  })

  it('is recorded in the chain of its organization, or of the server', async () => {
    const { domain, ada, inviteAs } = await withFounder()
    await inviteAs(ada.id, { organization: 'acme', email: 'bob@example.com' })
    await inviteAs(ada.id, {})
    const rows = await domain.store.db
      .selectFrom('audit')
      .where('action', '=', 'invitation.create')
      .where('phase', '=', 'finished')
      .select(['chain', 'note', 'actor_name'])
      .orderBy('note')
      .execute()
    expect(rows).toEqual([
      { chain: 'server', note: 'new organization', actor_name: 'ada@example.com' },
      { chain: ada.organization.id, note: 'role developer', actor_name: 'ada@example.com' },
    ])
  })
})
