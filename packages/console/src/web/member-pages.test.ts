import { describe, expect, it } from 'vitest'
import { cookieOf, serveFounded, signInFounder } from '../http/testing/serve-console.ts'
import { invited, PASSWORD } from '../testing/console-domain.ts'

const HTML = { accept: 'text/html', 'sec-fetch-site': 'same-origin' }
const MEMBERS = '/members/acme'

/** Ada, who founded acme, and Bob with a role there, each in a browser. */
async function withBob(role = 'developer') {
  const served = await serveFounded()
  const { ask } = served
  const bob = await invited(served.domain, served.account, 'bob@example.com', role)
  const signedIn = await ask('/api/sign-in', {
    body: { email: 'bob@example.com', password: PASSWORD },
  })
  const browser = (cookie: string) => ({
    get: (path: string) => ask(path, { headers: HTML, cookie }),
    post: (path: string, fields: Record<string, string> = {}) =>
      ask(path, { method: 'POST', body: new URLSearchParams(fields), headers: HTML, cookie }),
  })
  return {
    ...served,
    bob,
    bobPath: `${MEMBERS}/${bob.id}`,
    adaPath: `${MEMBERS}/${served.account.id}`,
    asAda: browser(await signInFounder(ask)),
    asBob: browser(cookieOf(signedIn)),
  }
}

describe('the members of an organization', () => {
  it('are seen by everybody in it, by the link on the account page', async () => {
    const { asBob, asAda } = await withBob('viewer')
    expect((await asBob.get('/account')).text).toContain(`href="${MEMBERS}"`)
    const seen = await asBob.get(MEMBERS)
    expect(seen.status).toBe(200)
    expect(seen.text).toContain('ada@example.com')
    expect(seen.text).toContain('viewer since')
    expect(seen.text).not.toContain('Make an invitation')
    expect((await asAda.get(MEMBERS)).text).toContain('Make an invitation')
  })

  it('are nobody else’s business', async () => {
    const { ask, asAda, asBob } = await withBob()
    for (const path of ['/members/other', '/members/other/x', `${MEMBERS}/x`]) {
      expect([path, (await asAda.get(path)).status]).toEqual([path, 404])
    }
    expect((await asBob.post('/members/other/invite', { role: 'viewer' })).status).toBe(404)
    const stranger = await ask(MEMBERS, { headers: HTML })
    expect([stranger.status, stranger.headers.location]).toEqual([
      303,
      `/sign-in?to=${encodeURIComponent(MEMBERS)}`,
    ])
  })
})

describe('an invitation', () => {
  it('is a link that is shown once and lets one person in', async () => {
    const { ask, asAda, domain } = await withBob()
    const fields = { email: 'cy@example.com', role: 'operator' }
    const made = await asAda.post(`${MEMBERS}/invite`, fields)
    expect(made.status).toBe(201)
    expect(made.headers['cache-control']).toBe('no-store')
    const [, url = ''] = /id="invitation-link">([^<]+)</.exec(made.text) ?? []
    const token = url.split('#invitation=')[1] ?? ''
    expect(token).not.toBe('')
    expect((await asAda.get(MEMBERS)).text).not.toContain(token)
    expect(domain.lines.join('')).not.toContain(token)
    const account = { email: 'cy@example.com', password: PASSWORD, invitation: token }
    expect((await ask('/api/sign-up', { body: account })).status).toBe(201)
    expect((await asAda.get(MEMBERS)).text).toContain('operator since')
  })

  it.each([
    [{ role: 'king' }, 'role'],
    [{ role: 'viewer', email: 'no address' }, 'email'],
    [{ role: 'viewer', email: '"><script>alert(1)</script>' }, 'email'],
  ])('with %j comes back with the error at its field', async (fields, at) => {
    const { asAda } = await withBob()
    const { status, text } = await asAda.post(`${MEMBERS}/invite`, fields as Record<string, string>)
    expect(status).toBe(422)
    expect(text).toContain(`id="${at}-error"`)
    expect(text).not.toContain('<script>alert')
    expect(text).not.toContain('invitation-link')
  })
})

describe('a member', () => {
  it('gets another role, which counts at once', async () => {
    const { asAda, bob, bobPath, domain } = await withBob()
    const shown = (await asAda.get(bobPath)).text.replaceAll(/<\/?span>/g, '')
    expect(shown).toContain('convox members role bob@example.com ROLE --organization acme')
    const changed = await asAda.post(`${bobPath}/role`, { role: 'viewer' })
    expect([changed.status, changed.headers.location]).toEqual([303, MEMBERS])
    expect([...(domain.directory.accountById(bob.id)?.roles.values() ?? [])]).toEqual(['viewer'])
    expect((await asAda.post(`${bobPath}/role`, { role: 'king' })).text).toContain('role-error')
  })

  it('is removed only when their address is typed', async () => {
    const { asAda, asBob, bobPath } = await withBob()
    for (const typed of ['', 'ada@example.com', 'bob']) {
      const refused = await asAda.post(`${bobPath}/remove`, { typed })
      expect([refused.status, refused.text]).toEqual([
        422,
        expect.stringContaining('id="typed-error"'),
      ])
    }
    expect((await asBob.get(MEMBERS)).status).toBe(200)
    expect((await asAda.post(`${bobPath}/remove`, { typed: 'bob@example.com' })).status).toBe(303)
    expect((await asBob.get(MEMBERS)).status).toBe(404)
  })

  it('leaves by themselves; the last administrator cannot', async () => {
    const { asAda, asBob, bobPath, adaPath } = await withBob()
    const left = await asBob.post(`${bobPath}/remove`, { typed: 'bob@example.com' })
    expect([left.status, left.headers.location]).toEqual([303, '/account'])
    for (const [path, fields] of [
      ['remove', { typed: 'ada@example.com' }],
      ['role', { role: 'viewer' }],
    ] as const) {
      const refused = await asAda.post(`${adaPath}/${path}`, fields)
      expect([refused.status, refused.text]).toEqual([
        409,
        expect.stringContaining('last administrator'),
      ])
    }
  })

  it('is told of deploy keys that somebody left behind', async () => {
    const { ask, asAda, bob, bobPath, key } = await withBob('administrator')
    const body = { name: 'nightly' }
    const path = '/api/organizations/acme/deploy-keys'
    await ask(path, { key: bob.apiKey.reveal(), body })
    const removed = await asAda.post(`${bobPath}/remove`, { typed: 'bob@example.com' })
    expect(removed.text).toContain('still work: nightly')
    expect((await ask(path, { key })).json).toHaveLength(1)
  })

  it('who is no administrator changes nobody', async () => {
    const { asBob, bobPath, adaPath, domain } = await withBob('operator')
    const before = await domain.store.db.selectFrom('memberships').selectAll().execute()
    for (const [path, fields] of [
      [`${bobPath}/role`, { role: 'administrator' }],
      [`${adaPath}/role`, { role: 'viewer' }],
      [`${adaPath}/remove`, { typed: 'ada@example.com' }],
      [`${MEMBERS}/invite`, { role: 'administrator' }],
    ] as const) {
      expect([path, (await asBob.post(path, fields)).status]).toEqual([path, 403])
    }
    const after = await domain.store.db.selectFrom('memberships').selectAll().execute()
    expect(after).toEqual(before)
    const invitations = await domain.store.db.selectFrom('invitations').selectAll().execute()
    expect(invitations.filter(({ used_at }) => used_at === null)).toEqual([])
  })
})

describe('forms of other sites', () => {
  it.each([{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, {}])(
    'with %j do nothing',
    async (headers) => {
      const { ask, bobPath, domain } = await withBob()
      const cookie = await signInFounder(ask)
      const body = new URLSearchParams({ role: 'administrator', typed: 'bob@example.com' })
      for (const path of [`${bobPath}/role`, `${bobPath}/remove`, `${MEMBERS}/invite`]) {
        expect([path, (await ask(path, { body, cookie, headers })).status]).toEqual([path, 403])
      }
      const roles = await domain.store.db.selectFrom('memberships').select('role').execute()
      expect(roles.map(({ role }) => role).sort()).toEqual(['administrator', 'developer'])
    },
  )
})
