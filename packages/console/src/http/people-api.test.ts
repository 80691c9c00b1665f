import { Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { signUp } from '../accounts/sign-up.ts'
import { ROLES } from '../organizations/roles.ts'
import { invited, PASSWORD, REQUEST } from '../testing/console-domain.ts'
import { serveFounded } from './testing/serve-console.ts'

const MEMBERS = '/api/organizations/acme/members'

/** Ada, who founded acme, and Bob with a role there. */
async function withBob(role = 'developer') {
  const served = await serveFounded()
  const bob = await invited(served.domain, served.account, 'bob@example.com', role)
  return { ...served, bob, bobKey: bob.apiKey.reveal() }
}

describe('members of an organization', () => {
  it('are listed for everybody in it, and for nobody else', async () => {
    const { ask, domain, key, account, bob, bobKey } = await withBob('viewer')
    for (const each of [key, bobKey]) {
      const { json } = await ask(MEMBERS, { key: each })
      expect(json).toEqual([
        {
          id: account.id,
          email: 'ada@example.com',
          role: 'administrator',
          since: expect.any(String),
        },
        { id: bob.id, email: 'bob@example.com', role: 'viewer', since: expect.any(String) },
      ])
    }
    const made = await ask('/api/invitations', { key, body: {} })
    const { token } = made.json as { token: string }
    const eve = await signUp(
      domain,
      {
        email: 'eve@example.com',
        password: Secret.of(PASSWORD),
        organization: 'other',
        invitation: token,
      },
      REQUEST,
    )
    const stranger = await ask(MEMBERS, { key: eve.apiKey.reveal() })
    const nowhere = await ask('/api/organizations/nowhere/members', { key })
    expect([stranger.status, nowhere.status]).toEqual([404, 404])
    expect(String((stranger.json as { error: string }).error)).toBe(
      String((nowhere.json as { error: string }).error),
    )
  })

  it('get a new role from an administrator only, and it counts for the very next request', async () => {
    const { ask, key, account, bob, bobKey } = await withBob('viewer')
    for (const target of [bob.id, account.id]) {
      const own = await ask(`${MEMBERS}/${target}`, {
        method: 'PUT',
        key: bobKey,
        body: { role: 'administrator' },
      })
      expect(own.status).toBe(403)
    }
    expect(
      (await ask('/api/invitations', { key: bobKey, body: { organization: 'acme' } })).status,
    ).toBe(403)
    const role = { role: 'administrator' }
    expect((await ask(`${MEMBERS}/${bob.id}`, { method: 'PUT', key, body: role })).json).toEqual({
      id: bob.id,
      email: 'bob@example.com',
      role: 'administrator',
    })
    expect(
      (await ask('/api/invitations', { key: bobKey, body: { organization: 'acme' } })).status,
    ).toBe(201)
  })

  it('always include an administrator: the last one neither leaves nor steps down', async () => {
    const { ask, key, account, bob, bobKey } = await withBob('operator')
    for (const role of ROLES.filter((each) => each !== 'administrator')) {
      const answer = await ask(`${MEMBERS}/${account.id}`, { method: 'PUT', key, body: { role } })
      expect([answer.status, role]).toEqual([409, role])
      expect(answer.text).toContain('last administrator of acme')
    }
    expect((await ask(`${MEMBERS}/${account.id}`, { method: 'DELETE', key })).status).toBe(409)
    const body = { role: 'administrator' }
    expect((await ask(`${MEMBERS}/${bob.id}`, { method: 'PUT', key, body })).status).toBe(200)
    expect((await ask(`${MEMBERS}/${account.id}`, { method: 'DELETE', key })).status).toBe(200)
    expect((await ask(`${MEMBERS}/${bob.id}`, { method: 'DELETE', key: bobKey })).status).toBe(409)
  })

  it('include one still when the last two step down at the same moment', async () => {
    const { ask, key, account, bob, bobKey } = await withBob('administrator')
    const answers = await Promise.all([
      ask(`${MEMBERS}/${account.id}`, { method: 'DELETE', key }),
      ask(`${MEMBERS}/${bob.id}`, { method: 'PUT', key: bobKey, body: { role: 'viewer' } }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409])
  })

  it.each([
    ['no role', {}],
    ['an unknown role', { role: 'owner' }],
    ['a role of the prototype', { role: 'constructor' }],
    ['a number', { role: 1 }],
    ['more than a role', { role: 'viewer', server_administrator: true }],
  ])('are not changed by %s', async (_, body) => {
    const { ask, key, bob } = await withBob()
    const answer = await ask(`${MEMBERS}/${bob.id}`, { method: 'PUT', key, body })
    expect(answer.status).toBe(422)
    expect((await ask(MEMBERS, { key })).text).toContain('"developer"')
  })
})

describe('removing a member', () => {
  it('ends their access to the Racks and the API at once, and leaves their account', async () => {
    const { ask, key, bob, bobKey } = await withBob('administrator')
    const rack = { Rack: 'acme/dev' }
    expect((await ask('/instances', { key: bobKey, headers: rack })).status).toBe(403)
    expect((await ask(`${MEMBERS}/${bob.id}`, { method: 'DELETE', key })).json).toEqual({
      id: bob.id,
      email: 'bob@example.com',
      role: 'administrator',
      deploy_keys: [],
    })
    expect((await ask('/instances', { key: bobKey, headers: rack })).status).toBe(404)
    expect((await ask('/racks', { key: bobKey })).json).toEqual([])
    expect((await ask(MEMBERS, { key: bobKey })).status).toBe(404)
    expect((await ask('/api/account', { key: bobKey })).json).toMatchObject({ organizations: [] })
    expect((await ask(`${MEMBERS}/${bob.id}`, { method: 'DELETE', key })).status).toBe(404)
  })

  it('voids the invitations they had prepared, names their deploy keys, and keeps these working', async () => {
    const { ask, key, bob, bobKey } = await withBob('administrator')
    const made = await ask('/api/invitations', {
      key: bobKey,
      body: { organization: 'acme', role: 'administrator' },
    })
    const { token } = made.json as { token: string }
    const path = '/api/organizations/acme/deploy-keys'
    const deploy = await ask(path, { key: bobKey, body: { name: 'ci' } })
    const removed = await ask(`${MEMBERS}/${bob.id}`, { method: 'DELETE', key })
    expect(removed.json).toMatchObject({ deploy_keys: ['ci'] })
    const back = await ask('/api/invitations/accept', { key: bobKey, body: { invitation: token } })
    expect(back.status).toBe(403)
    const { key: deployKey } = deploy.json as { key: string }
    expect((await ask('/auth', { key: deployKey })).status).toBe(200)
  })

  it('is for administrators, and for who wants to leave', async () => {
    const { ask, account, bob, bobKey } = await withBob('viewer')
    const other = await ask(`${MEMBERS}/${account.id}`, { method: 'DELETE', key: bobKey })
    expect(other.status).toBe(403)
    expect((await ask(`${MEMBERS}/${bob.id}`, { method: 'DELETE', key: bobKey })).status).toBe(200)
  })

  it('is on record with who did it', async () => {
    const { ask, domain, key, bob } = await withBob()
    await ask(`${MEMBERS}/${bob.id}`, { method: 'PUT', key, body: { role: 'viewer' } })
    await ask(`${MEMBERS}/${bob.id}`, { method: 'DELETE', key })
    const rows = await domain.store.db
      .selectFrom('audit')
      .where('action', 'like', 'member.%')
      .where('phase', '=', 'finished')
      .select(['actor_name', 'action', 'target', 'note'])
      .orderBy('sequence')
      .execute()
    expect(rows).toEqual([
      {
        actor_name: 'ada@example.com',
        action: 'member.role',
        target: 'bob@example.com',
        note: 'developer to viewer',
      },
      {
        actor_name: 'ada@example.com',
        action: 'member.remove',
        target: 'bob@example.com',
        note: 'was viewer',
      },
    ])
  })
})

describe('accepting an invitation with an account', () => {
  /** Bob out of acme, and a fresh invitation to it. */
  async function outside(invitation: object = { organization: 'acme', role: 'operator' }) {
    const served = await withBob()
    const { ask, key, bob } = served
    await ask(`${MEMBERS}/${bob.id}`, { method: 'DELETE', key })
    const made = await ask('/api/invitations', { key, body: invitation })
    const { token, url } = made.json as { token: string; url: string }
    const accept = (body: object) => ask('/api/invitations/accept', { key: served.bobKey, body })
    return { ...served, token, url, accept }
  }

  it('joins the organization with the role, once; the whole link is as good as the code', async () => {
    const { ask, accept, url, token, bobKey } = await outside()
    const answer = await accept({ invitation: ` ${url}\n` })
    expect(answer.json).toMatchObject({ organization: { name: 'acme' }, role: 'operator' })
    expect((await ask(MEMBERS, { key: bobKey })).status).toBe(200)
    expect((await accept({ invitation: token })).status).toBe(403)
  })

  it('makes the new organization that the invitation is to', async () => {
    const { accept, token } = await outside({})
    expect((await accept({ invitation: token })).json).toMatchObject({ field: 'organization' })
    expect((await accept({ invitation: token, organization: 'acme' })).status).toBe(409)
    const made = await accept({ invitation: token, organization: 'bobs' })
    expect(made.json).toMatchObject({ organization: { name: 'bobs' }, role: 'administrator' })
  })

  it('is refused to a member, whose role and whose invitation stay as they are', async () => {
    const { ask, key, domain, account } = await withBob()
    const made = await ask('/api/invitations', {
      key,
      body: { organization: 'acme', role: 'viewer' },
    })
    const { token } = made.json as { token: string }
    const own = await ask('/api/invitations/accept', { key, body: { invitation: token } })
    expect(own.status).toBe(409)
    const carl = { email: 'carl@example.com', password: Secret.of(PASSWORD), invitation: token }
    expect(await signUp(domain, carl, REQUEST)).toMatchObject({ role: 'viewer' })
    expect(account.role).toBe('administrator')
  })

  it('is refused with an invitation for somebody else, and with no invitation at all', async () => {
    const { accept, token } = await outside({ organization: 'acme', email: 'carl@example.com' })
    expect((await accept({ invitation: token })).status).toBe(403)
    expect((await accept({ invitation: '' })).status).toBe(403)
    expect((await accept({ invitation: 'x'.repeat(10_000) })).status).toBe(403)
    expect((await accept({})).status).toBe(422)
  })

  it('twice at once joins once', async () => {
    const { accept, token } = await outside()
    const answers = await Promise.all([1, 2, 3].map(() => accept({ invitation: token })))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 403, 403])
  })
})
