import { describe, expect, it } from 'vitest'
import { cookieOf, serveFounded, signInFounder } from '../http/testing/serve-console.ts'
import { invited, PASSWORD } from '../testing/console-domain.ts'

const HTML = { accept: 'text/html', 'sec-fetch-site': 'same-origin' }
const KEYS = '/deploy-keys/acme'

/** Ada, who founded acme, in a browser; and a way to sign somebody else in. */
async function founded() {
  const served = await serveFounded()
  const { ask } = served
  const browser = (cookie: string) => ({
    get: (path: string) => ask(path, { headers: HTML, cookie }),
    post: (path: string, fields: Record<string, string> = {}) =>
      ask(path, { method: 'POST', body: new URLSearchParams(fields), headers: HTML, cookie }),
  })
  const asMember = async (role: string) => {
    await invited(served.domain, served.account, 'bob@example.com', role)
    const body = { email: 'bob@example.com', password: PASSWORD }
    return browser(cookieOf(await ask('/api/sign-in', { body })))
  }
  const listed = async () => {
    const answer = await ask('/api/organizations/acme/deploy-keys', { key: served.key })
    return answer.json as Array<{ id: string; name: string; expires_at: string | null }>
  }
  return { ...served, asAda: browser(await signInFounder(ask)), asMember, listed }
}

describe('a deploy key', () => {
  it('is made on a page that shows it once, with the lines for CI', async () => {
    const { ask, asAda, domain } = await founded()
    const made = await asAda.post(`${KEYS}/create`, { name: 'nightly', expires_in_days: '30' })
    expect(made.status).toBe(201)
    expect(made.headers['cache-control']).toBe('no-store')
    const [key = ''] = /cvxd_\w{39}/.exec(made.text) ?? []
    expect((await ask('/auth', { key })).status).toBe(200)
    expect(made.text).toContain('CONVOX_PASSWORD')
    expect(made.text).toContain('CONVOX_HOST=localhost:3443')
    expect(made.text).toContain('releases promote')
    const list = await asAda.get(KEYS)
    expect(list.text).toContain('nightly')
    expect(list.text).toContain('last used <time')
    expect(list.text).toContain('from 127.0.0.1')
    expect(list.text).toContain('releases promote')
    expect(list.text).toContain(`cvxd_…${key.slice(-4)}`)
    expect(list.text).not.toContain(key)
    expect(domain.lines.join('')).not.toContain(key)
  })

  it('expires when it was chosen to, or never', async () => {
    const { asAda, listed } = await founded()
    await asAda.post(`${KEYS}/create`, { name: 'a', expires_in_days: '90' })
    await asAda.post(`${KEYS}/create`, { name: 'b', expires_in_days: 'never' })
    const [a, b] = await listed()
    const days = (Date.parse(a?.expires_at ?? '') - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(90)
    expect(b?.expires_at).toBeNull()
    expect((await asAda.get(KEYS)).text).toContain('never expires')
  })

  it('is revoked only when its name is typed', async () => {
    const { ask, asAda, listed } = await founded()
    const made = await asAda.post(`${KEYS}/create`, { name: 'nightly', expires_in_days: '30' })
    const [key = ''] = /cvxd_\w{39}/.exec(made.text) ?? []
    const path = `${KEYS}/${(await listed())[0]?.id}`
    for (const typed of ['', 'night', 'nightly2']) {
      const refused = await asAda.post(`${path}/revoke`, { typed })
      expect([refused.status, refused.text]).toEqual([
        422,
        expect.stringContaining('id="typed-error"'),
      ])
    }
    expect((await ask('/auth', { key })).status).toBe(200)
    const revoked = await asAda.post(`${path}/revoke`, { typed: 'nightly' })
    expect([revoked.status, revoked.headers.location]).toEqual([303, KEYS])
    expect((await ask('/auth', { key })).status).toBe(401)
    expect((await asAda.post(`${path}/revoke`, { typed: 'nightly' })).status).toBe(404)
  })

  it.each([
    [{ expires_in_days: '30' }, 'name'],
    [{ name: 'a' }, 'expires_in_days'],
    [{ name: 'a', expires_in_days: '0' }, 'expires_in_days'],
    [{ name: 'a', expires_in_days: 'soon' }, 'expires_in_days'],
    [{ name: '"><script>alert(1)</script>', expires_in_days: '30' }, 'name'],
    [{ name: 'x'.repeat(64), expires_in_days: '30' }, 'name'],
  ])('of %j comes back with the error at its field', async (fields, at) => {
    const { asAda, listed } = await founded()
    const { status, text } = await asAda.post(`${KEYS}/create`, fields as Record<string, string>)
    expect(status).toBe(422)
    expect(text).toContain(`id="${at}-error"`)
    expect(text).not.toContain('<script>alert')
    expect(await listed()).toEqual([])
  })

  it('of a name that is taken says so, and keeps the first', async () => {
    const { asAda, listed } = await founded()
    const fields = { name: 'nightly', expires_in_days: '30' }
    await asAda.post(`${KEYS}/create`, fields)
    const again = await asAda.post(`${KEYS}/create`, fields)
    expect([again.status, again.text]).toEqual([409, expect.stringContaining('name-error')])
    expect(await listed()).toHaveLength(1)
  })
})

describe('deploy keys', () => {
  it.each(['operator', 'developer', 'viewer'])(
    'are not for a %s, who is told why',
    async (role) => {
      const { asAda, asMember, listed } = await founded()
      await asAda.post(`${KEYS}/create`, { name: 'nightly', expires_in_days: '30' })
      const bob = await asMember(role)
      const seen = await bob.get(KEYS)
      expect(seen.text).toContain('Only administrators of acme see its deploy keys')
      expect(seen.text).not.toContain('nightly')
      const made = await bob.post(`${KEYS}/create`, { name: 'mine', expires_in_days: '30' })
      expect([made.status, made.text.includes('cvxd_')]).toEqual([403, false])
      const path = `${KEYS}/${(await listed())[0]?.id}`
      expect((await bob.get(path)).status).toBe(403)
      expect((await bob.post(`${path}/revoke`, { typed: 'nightly' })).status).toBe(403)
      expect(await listed()).toHaveLength(1)
    },
  )

  it('of others are not found, and without a session the way leads to the door', async () => {
    const { ask, asAda } = await founded()
    expect((await asAda.get('/deploy-keys/other')).status).toBe(404)
    expect((await asAda.get(`${KEYS}/none`)).status).toBe(404)
    const stranger = await ask(KEYS, { headers: HTML })
    expect([stranger.status, stranger.headers.location]).toEqual([
      303,
      `/sign-in?to=${encodeURIComponent(KEYS)}`,
    ])
  })

  it.each([{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }, {}])(
    'are not made or revoked by forms of other sites (%j)',
    async (headers) => {
      const { ask, asAda, listed } = await founded()
      await asAda.post(`${KEYS}/create`, { name: 'nightly', expires_in_days: '30' })
      const before = await listed()
      const cookie = await signInFounder(ask)
      const body = new URLSearchParams({ name: 'x', expires_in_days: '30', typed: 'nightly' })
      for (const path of [`${KEYS}/create`, `${KEYS}/${before[0]?.id}/revoke`]) {
        expect([path, (await ask(path, { body, cookie, headers })).status]).toEqual([path, 403])
      }
      expect(await listed()).toEqual(before)
    },
  )
})
