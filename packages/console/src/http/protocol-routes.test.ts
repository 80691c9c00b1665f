import { mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { serveFounded } from './testing/serve-console.ts'

describe('GET /auth', () => {
  it('is the account’s id in JSON, which every official CLI accepts', async () => {
    const { ask, key, account } = await serveFounded()
    const answer = await ask('/auth?', { key })
    expect([answer.status, answer.json]).toEqual([200, { id: account.id }])
    expect(answer.headers['content-type']).toMatch(/^application\/json/)
    expect(answer.headers['cache-control']).toBe('no-store')
  })

  it('takes the empty Session header, any Version and the stale Rack of official CLIs', async () => {
    const { ask, key } = await serveFounded()
    const headers = { session: '', version: 'dev', rack: 'gone/rack', accept: '*/*' }
    for (const path of ['/auth?', '/racks?', '/racks']) {
      expect([path, (await ask(path, { key, headers })).status]).toEqual([path, 200])
    }
  })

  it('takes a password that the sender has percent-encoded', async () => {
    const { ask, key } = await serveFounded()
    const encoded = key.replace(/./g, (letter) => `%${letter.charCodeAt(0).toString(16)}`)
    expect((await ask('/auth?', { key: encoded })).status).toBe(200)
  })

  it('says that a cut or mistyped key has a wrong checksum', async () => {
    const { ask, key } = await serveFounded()
    const swapped = `${key.slice(0, 12)}${key[12] === 'a' ? 'b' : 'a'}${key.slice(13)}`
    for (const wrong of [key.slice(0, -1), key.slice(0, 12), `${key}x`, swapped]) {
      const answer = await ask('/auth', { key: wrong })
      expect(answer.status).toBe(401)
      expect(answer.text).toContain('checksum')
      expect(answer.text).not.toContain(wrong)
    }
  })

  it.each([
    ['an empty password', `Basic ${Buffer.from('convox:').toString('base64')}`],
    ['a mask', `Basic ${Buffer.from('convox:****').toString('base64')}`],
    ['another scheme', 'Bearer abc'],
    ['no scheme', 'abc'],
    ['nothing at all', ''],
  ])('%s is a 401 in JSON', async (_, authorization) => {
    const { ask } = await serveFounded()
    const answer = await ask('/auth', { headers: { authorization } })
    expect(answer.status).toBe(401)
    expect(answer.json).toMatchObject({ code: 'unauthenticated' })
    expect(answer.text).not.toContain('%')
  })

  it('a Rack’s key and an unknown key of a person are refused', async () => {
    const { ask } = await serveFounded()
    for (const kind of ['rack', 'user', 'deploy'] as const) {
      expect((await ask('/auth', { key: mintApiKey(kind).reveal() })).status).toBe(401)
    }
  })

  it('slows down who tries many keys, and never delays a valid one from the same address', async () => {
    const { ask, key } = await serveFounded()
    const statuses = []
    for (let attempt = 0; attempt < 25; attempt += 1) {
      statuses.push((await ask('/auth', { key: mintApiKey('user').reveal() })).status)
    }
    expect(statuses).toEqual([...Array(20).fill(401), ...Array(5).fill(429)])
    const slowed = await ask('/auth', { key: mintApiKey('user').reveal() })
    expect(Number(slowed.headers['retry-after'])).toBeGreaterThan(0)
    expect((await ask('/auth', { key })).status).toBe(200)
    // The proxy counts with us.
    const proxied = await ask('/system', { key: mintApiKey('user').reveal() })
    expect(proxied.status).toBe(429)
  })
})

describe('the Racks', () => {
  it('are listed with the official names', async () => {
    const { ask, key, account } = await serveFounded()
    const { id } = account.organization
    expect((await ask('/racks', { key })).json).toEqual([
      {
        name: 'dev',
        status: 'unreachable',
        provider: 'local',
        version: '',
        organization: { id, name: 'acme' },
      },
    ])
  })

  it('have details without state, so that v3 talks to the Rack itself', async () => {
    const { ask, key } = await serveFounded()
    const answer = await ask('/racks/acme/dev?', { key })
    expect(answer.status).toBe(200)
    expect(answer.json).toMatchObject({
      Name: 'dev',
      Organization: { Name: 'acme' },
      Provider: 'local',
      Status: 'unreachable',
      State: null,
      Parameters: null,
      Deletable: false,
    })
  })

  it('of nobody and of somebody else are the same 404', async () => {
    const { ask, key } = await serveFounded()
    for (const path of ['/racks/acme/none', '/racks/other/dev']) {
      const answer = await ask(path, { key })
      expect(answer.status).toBe(404)
      expect(answer.json).toMatchObject({
        error: 'no such Rack, or it is not yours; run `convox racks`',
      })
    }
  })
})

describe('what this Console does not have', () => {
  it('machines are an empty list', async () => {
    const { ask, key } = await serveFounded()
    expect((await ask('/machines?', { key })).json).toEqual([])
  })

  it.each([
    ['GET', '/session'],
    ['POST', '/session?'],
    ['GET', '/login/u2f?token=x'],
    ['POST', '/token'],
    ['POST', '/switch'],
    ['POST', '/racks'],
    ['PUT', '/racks/acme/dev'],
    ['DELETE', '/racks/acme/dev'],
    ['POST', '/racks/acme/dev/sync'],
    ['GET', '/racks/acme/dev/workflows'],
    ['GET', '/organizations/acme/runtimes'],
  ])('%s %s says so in a sentence', async (method, path) => {
    const { ask, key } = await serveFounded()
    const answer = await ask(path, { method, key })
    expect(answer.status).toBe(501)
    expect(answer.json).toMatchObject({ code: 'not-implemented' })
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })

  it.each([
    ['GET', '/auth/more'],
    ['POST', '/auth'],
    ['GET', '/racks/acme'],
    ['GET', '/racks/acme/dev/nothing'],
    ['GET', '/organizations'],
    ['PATCH', '/machines'],
  ])('%s %s is no route at all: an empty 404, as official v3 wants it', async (method, path) => {
    const { ask, key } = await serveFounded()
    const answer = await ask(path, { method, key })
    expect([answer.status, answer.text]).toEqual([404, ''])
  })
})
