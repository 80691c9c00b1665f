import { route } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { invited } from '../testing/console-domain.ts'
import { serveFounded, signInFounder } from './testing/serve-console.ts'

const PATH = '/api/organizations/acme/deploy-keys'

interface Made {
  id: string
  key: string
  expires_at: string | null
}

async function withKey(body: object = { name: 'ci' }) {
  const served = await serveFounded()
  const answer = await served.ask(PATH, { key: served.key, body })
  expect(answer.status).toBe(201)
  const made = answer.json as Made
  return { ...served, made, deployKey: made.key }
}

describe('a deploy key', () => {
  it('is shown once, and kept as a hash', async () => {
    const { ask, domain, key, made } = await withKey()
    expect(made.key).toMatch(/^cvxd_\w{39}$/)
    const { json, text } = await ask(PATH, { key })
    expect(json).toEqual([
      {
        id: made.id,
        name: 'ci',
        last_four: made.key.slice(-4),
        created_by: 'ada@example.com',
        created_at: expect.any(String),
        expires_at: made.expires_at,
        expired: false,
        last_used: null,
      },
    ])
    expect(text).not.toContain(made.key)
    const rows = await domain.store.db.selectFrom('deploy_keys').selectAll().execute()
    expect(JSON.stringify(rows)).not.toContain(made.key.slice(5, -4))
  })

  it('expires after 90 days unless something else was said', async () => {
    const { made } = await withKey()
    const days = (Date.parse(made.expires_at ?? '') - Date.now()) / 86_400_000
    expect(Math.round(days)).toBe(90)
    expect((await withKey({ name: 'ci', expires_in_days: null })).made.expires_at).toBeNull()
  })

  it('logs in and says what it is and what it is good for', async () => {
    const { ask, made, deployKey } = await withKey()
    expect((await ask('/auth', { key: deployKey })).json).toEqual({ id: made.id })
    expect((await ask('/api/account', { key: deployKey })).json).toEqual({
      id: made.id,
      deploy_key: {
        name: 'ci',
        expires_at: made.expires_at,
        commands: expect.arrayContaining(['deploy', 'env set --replace', 'run']),
      },
      organizations: [{ id: expect.any(String), name: 'acme' }],
    })
    const { json } = await ask('/racks', { key: deployKey })
    expect(json).toMatchObject([{ name: 'dev', organization: { name: 'acme' } }])
  })

  it.each([
    ['GET', '/api/organizations/acme/members'],
    ['GET', PATH],
    ['POST', PATH],
    ['POST', '/api/account/api-key'],
    ['POST', '/api/invitations'],
    ['POST', '/api/invitations/accept'],
    ['DELETE', `${PATH}/x`],
    ['PUT', '/api/organizations/acme/members/x'],
  ])('may not call %s %s, and the refusal says what it may do', async (method, path) => {
    const { ask, deployKey } = await withKey()
    const body = method === 'POST' || method === 'PUT' ? { body: {} } : {}
    const answer = await ask(path, { method, key: deployKey, ...body })
    expect(answer.status).toBe(403)
    expect(answer.text).toContain('a deploy key may not do this; it is good for build, builds')
  })

  it('uses no local Rack, which is for the server administrator', async () => {
    const { ask, deployKey } = await withKey()
    for (const path of ['/system', '/instances', '/apps/web/releases']) {
      const answer = await ask(path, { key: deployKey, headers: { Rack: 'acme/dev' } })
      expect(answer.status).toBe(403)
      expect(answer.text).toContain('only the server administrator may use a local Rack')
    }
    expect(route('system.get').deploy).toBe(true)
  })

  it('is refused at once when it is revoked', async () => {
    const { ask, key, made, deployKey } = await withKey()
    const revoked = await ask(`${PATH}/${made.id}`, { method: 'DELETE', key })
    expect(revoked.json).toEqual({ id: made.id, name: 'ci' })
    for (const path of ['/auth', '/racks', '/api/account', '/system']) {
      expect((await ask(path, { key: deployKey })).status, path).toBe(401)
    }
    expect((await ask('/auth', { key: deployKey })).text).toContain('revoked or has expired')
    expect((await ask(`${PATH}/${made.id}`, { method: 'DELETE', key })).status).toBe(404)
    expect((await ask(PATH, { key, body: { name: 'ci' } })).status).toBe(201)
  })

  it('is made, seen and revoked by administrators only', async () => {
    const { ask, domain, account, made } = await withKey()
    const bob = await invited(domain, account, 'bob@example.com', 'operator')
    const key = bob.apiKey.reveal()
    const answers = [
      await ask(PATH, { key }),
      await ask(PATH, { key, body: { name: 'mine' } }),
      await ask(`${PATH}/${made.id}`, { method: 'DELETE', key }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403])
  })

  it('cannot be made by another site in the name of who is signed in', async () => {
    const { ask } = await serveFounded()
    const cookie = await signInFounder(ask)
    const answer = await ask(PATH, {
      cookie,
      body: { name: 'theirs' },
      headers: { Origin: 'https://evil.example' },
    })
    expect(answer.status).toBe(403)
  })

  it.each<[string, object, string]>([
    ['no name', {}, 'name'],
    ['an empty name', { name: ' ' }, 'name'],
    ['a name with a space', { name: 'a b' }, 'name'],
    ['a control character', { name: 'ci\u001b[2J' }, 'name'],
    ['an upside-down character', { name: 'ｃｉ' }, 'name'],
    ['a huge name', { name: 'x'.repeat(64) }, 'name'],
    ['no days', { name: 'ci', expires_in_days: 0 }, 'expires_in_days'],
    ['days before today', { name: 'ci', expires_in_days: -1 }, 'expires_in_days'],
    ['half a day', { name: 'ci', expires_in_days: 0.5 }, 'expires_in_days'],
    ['days as a text', { name: 'ci', expires_in_days: '90' }, 'expires_in_days'],
    ['more days than there are', { name: 'ci', expires_in_days: 1e300 }, 'expires_in_days'],
  ])('is not made with %s', async (_, body, field) => {
    const { ask, key } = await serveFounded()
    const answer = await ask(PATH, { key, body })
    expect([answer.status, answer.json]).toMatchObject([422, { field }])
    expect((await ask(PATH, { key })).json).toEqual([])
  })

  it('of one name is there once, also when two are made at once', async () => {
    const { ask, key } = await serveFounded()
    const answers = await Promise.all([1, 2, 3].map(() => ask(PATH, { key, body: { name: 'ci' } })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
  })
})
