import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { PASSWORD } from '../testing/console-domain.ts'
import { cookieOf, serveConsole, serveFounded, signInFounder } from './testing/serve-console.ts'

const ADA = { email: 'ada@example.com', password: PASSWORD, organization: 'acme' }

describe('POST /api/sign-up', () => {
  it('makes the first account, shows its key once and needs no invitation', async () => {
    const { ask } = await serveConsole()
    const answer = await ask('/api/sign-up', { body: ADA })
    expect(answer.status).toBe(201)
    expect(answer.json).toEqual({
      id: expect.any(String),
      api_key: expect.stringMatching(/^cvxu_\w{39}$/),
      email: 'ada@example.com',
      organization: { id: expect.any(String), name: 'acme' },
    })
    expect(answer.headers['cache-control']).toBe('no-store')
    const { api_key: key } = answer.json as { api_key: string }
    expect((await ask('/auth', { key })).status).toBe(200)
  })

  it('admits nobody after that without an invitation', async () => {
    const { ask } = await serveFounded()
    const answer = await ask('/api/sign-up', { body: { ...ADA, email: 'eve@example.com' } })
    expect(answer.status).toBe(403)
    expect(answer.json).toMatchObject({ field: 'invitation' })
  })

  it('wants the setup token when others could reach the form', async () => {
    const { ask, domain } = await serveConsole({ PUBLIC_URL: 'https://keys.example.com' })
    const without = await ask('/api/sign-up', { body: ADA })
    expect(without.json).toMatchObject({ field: 'setup_token' })
    const setup_token = domain.setupToken?.reveal()
    expect((await ask('/api/sign-up', { body: { ...ADA, setup_token } })).status).toBe(201)
  })

  it('makes no first account for what came through a proxy that nobody announced', async () => {
    const { ask, domain, port } = await serveConsole()
    const signs = [
      ...['Forwarded', 'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP'],
      ...['Via', 'CF-Connecting-IP', 'CF-Ray', 'True-Client-IP', 'X-Amzn-Trace-Id', 'CDN-Loop'],
    ]
    for (const name of signs) {
      const headers = { [name]: 'for=127.0.0.1' }
      const answer = await ask('/api/sign-up', { body: ADA, headers })
      expect([answer.status, answer.json], name).toMatchObject([403, { code: 'forbidden' }])
      expect(answer.text).toContain('PUBLIC_URL')
    }
    // As nginx asks that was given nothing but `proxy_pass`.
    const body = JSON.stringify(ADA)
    const plain = connect(port, '127.0.0.1')
    plain.end(
      `POST /api/sign-up HTTP/1.0\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    )
    expect(await text(plain)).toContain(' 403 ')
    const page = await ask('/sign-up', {
      body: new URLSearchParams({ ...ADA }),
      headers: { origin: `http://localhost:${port}`, via: '1.1 proxy' },
    })
    expect(page.status).toBe(403)
    expect(page.text).toContain('PUBLIC_URL')
    expect(domain.directory.empty).toBe(true)
    // Somebody on this machine is not asked for anything.
    expect((await ask('/api/sign-up', { body: ADA })).status).toBe(201)
  })

  it('takes the setup token through a proxy that was announced', async () => {
    const { ask, domain } = await serveConsole({ TRUSTED_PROXIES: '127.0.0.1' })
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    expect((await ask('/api/sign-up', { body: ADA, headers })).status).toBe(403)
    const body = { ...ADA, setup_token: domain.setupToken?.reveal() }
    expect((await ask('/api/sign-up', { body, headers })).status).toBe(201)
  })
})

describe('a password', () => {
  it.each(['sign-up', 'sign-in'])(
    'at /api/%s is not taken where others can listen',
    async (path) => {
      const { ask, domain } = await serveConsole({ ALLOWED_HOSTS: 'keys.example.com' })
      const headers = { host: 'keys.example.com' }
      const body = { ...ADA, setup_token: domain.setupToken?.reveal() }
      const heard = await ask(`/api/${path}`, { body, headers })
      expect([heard.status, heard.json]).toMatchObject([403, { code: 'forbidden' }])
      expect(heard.text).toContain('https')
      expect(domain.directory.empty).toBe(true)
      const encrypted = await ask('/api/sign-up', { body, headers, tls: true })
      expect(encrypted.status).toBe(201)
    },
  )
})

describe('bad input', () => {
  it.each<[string, unknown, string]>([
    ['a missing field', { email: 'ada@example.com' }, 'password'],
    ['a number', { ...ADA, password: 1 }, 'password'],
    ['null', { ...ADA, organization: null }, 'organization'],
    ['an array', { ...ADA, email: ['ada@example.com'] }, 'email'],
    ['an object', { ...ADA, password: { length: 20 } }, 'password'],
    ['a NUL character', { ...ADA, email: 'ada\0@example.com' }, 'email'],
    ['half a character', { ...ADA, organization: 'acme\ud800' }, 'organization'],
    ['an unknown field', { ...ADA, role: 'administrator' }, 'role'],
    ['a field of the prototype', `{"__proto__": {}, ${JSON.stringify(ADA).slice(1)}`, '__proto__'],
    ['a list instead of an object', [ADA], 'body'],
    ['a text instead of an object', '"ada"', 'body'],
    ['null instead of an object', 'null', 'body'],
    ['no JSON', '{"email": ', 'body'],
    ['nothing', '', 'body'],
    ['a password that is too short', { ...ADA, password: 'short' }, 'password'],
    ['an address that is none', { ...ADA, email: 'ada' }, 'email'],
    ['a very long field', { ...ADA, organization: 'a'.repeat(20_000) }, 'organization'],
  ])('%s names its field and changes nothing', async (_, body, field) => {
    const { ask, domain } = await serveConsole()
    const headers = { 'content-type': 'application/json' }
    const answer = await ask('/api/sign-up', { method: 'POST', body, headers })
    expect(answer.json).toMatchObject({ code: 'invalid', field, error: expect.any(String) })
    expect(answer.status).toBe(422)
    expect(domain.directory.empty).toBe(true)
  })

  it.each(['email', 'password'])(
    'a NUL in the %s of a sign-in is not a wrong one',
    async (field) => {
      const { ask } = await serveFounded()
      const body = { email: ADA.email, password: PASSWORD, [field]: 'a\0b' }
      const answer = await ask('/api/sign-in', { body })
      expect([answer.status, answer.json]).toMatchObject([422, { field }])
    },
  )

  it('another content type is refused', async () => {
    const { ask } = await serveConsole()
    const headers = { 'content-type': 'text/plain', origin: 'http://localhost' }
    const answer = await ask('/api/sign-up', { body: JSON.stringify(ADA), headers })
    expect(answer.status).toBe(403)
    const own = { 'content-type': 'text/plain', 'sec-fetch-site': 'same-origin' }
    expect((await ask('/api/sign-up', { body: JSON.stringify(ADA), headers: own })).status).toBe(
      415,
    )
  })

  it('CWE-400 a body over 64 KiB is refused, with its length told or not', async () => {
    const { ask } = await serveConsole()
    const body = { ...ADA, password: 'x'.repeat(1024 * 1024) }
    expect((await ask('/api/sign-up', { body })).status).toBe(413)
    const headers = { 'transfer-encoding': 'chunked' }
    const chunked = await ask('/api/sign-up', { body, headers })
    expect(chunked.json).toMatchObject({ code: 'too-large' })
  })

  it('bytes that are no text are refused', async () => {
    const { ask } = await serveConsole()
    const headers = { 'content-type': 'application/json' }
    const body = Buffer.concat([Buffer.from('{"email": "'), Buffer.from([0xc3, 0x28])])
    const answer = await ask('/api/sign-in', { method: 'POST', body, headers })
    expect([answer.status, answer.json]).toMatchObject([422, { field: 'body' }])
  })

  it('a client that goes away in the middle of its body leaves nothing behind', async () => {
    const { port, domain, ask } = await serveConsole()
    const socket = connect(port, '127.0.0.1')
    const head = ['POST /api/sign-up HTTP/1.1', `Host: localhost:${port}`]
    const type = ['Content-Type: application/json', 'Content-Length: 1000', '', '{"email":']
    await new Promise((resolve) => socket.write([...head, ...type].join('\r\n'), resolve))
    socket.destroy()
    expect((await ask('/livez')).status).toBe(200)
    expect(domain.directory.empty).toBe(true)
  })

  it('an unknown path of the API is a 404 in JSON, whoever asks', async () => {
    const { ask, key } = await serveFounded()
    for (const options of [{}, { key }]) {
      const answer = await ask('/api/no/such', options)
      expect(answer.status).toBe(404)
      expect(answer.json).toMatchObject({ code: 'not-found' })
    }
  })
})

describe('signing in and out', () => {
  it('gives a cookie that only this origin can set, read and send', async () => {
    const { ask } = await serveFounded()
    const answer = await ask('/api/sign-in', { body: { email: ADA.email, password: PASSWORD } })
    expect(answer.status).toBe(200)
    const [cookie = '', ...others] = answer.headers['set-cookie'] ?? []
    expect(others).toEqual([])
    expect(cookie).toMatch(/^__Host-session=[\w-]{43}; /)
    const attributes = cookie.split('; ').slice(1)
    expect(attributes).toEqual(
      expect.arrayContaining(['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']),
    )
    expect(cookie).not.toMatch(/Domain=/i)
    expect(answer.text).not.toContain(cookieOf(answer).split('=')[1])
    const account = await ask('/api/account', { cookie: cookieOf(answer) })
    expect(account.json).toMatchObject({ email: ADA.email })
  })

  it('says the same about an unknown address and a wrong password', async () => {
    const { ask } = await serveFounded()
    const unknown = await ask('/api/sign-in', { body: { email: 'eve@example.com', password: 'x' } })
    const wrong = await ask('/api/sign-in', { body: { email: ADA.email, password: 'x' } })
    const strip = (body: unknown) => ({ ...(body as object), request_id: '' })
    expect(strip(unknown.json)).toEqual(strip(wrong.json))
    expect([unknown.status, wrong.status]).toEqual([401, 401])
    expect(wrong.headers['set-cookie']).toBeUndefined()
  })

  it('out ends the session itself, not only the cookie', async () => {
    const { ask } = await serveFounded()
    const cookie = await signInFounder(ask)
    const headers = { 'sec-fetch-site': 'same-origin' }
    const out = await ask('/api/sign-out', { method: 'POST', cookie, headers })
    expect(out.status).toBe(204)
    expect(out.headers['set-cookie']?.[0]).toMatch(/^__Host-session=; Max-Age=0; .*Secure/)
    expect((await ask('/api/account', { cookie })).status).toBe(401)
  })

  it.each(['x', '', 'a'.repeat(43), '%00', 'a'.repeat(6000)])(
    'a made-up cookie (%#) is nobody',
    async (value) => {
      const { ask } = await serveFounded()
      const answer = await ask('/api/account', { cookie: `__Host-session=${value}` })
      expect(answer.status).toBe(401)
    },
  )

  it('a cookie without the prefix, which a sibling host could have set, is not read', async () => {
    const { ask } = await serveFounded()
    const cookie = (await signInFounder(ask)).replace('__Host-', '')
    expect((await ask('/api/account', { cookie })).status).toBe(401)
  })
})

describe('the account', () => {
  it('is the same by key and by cookie', async () => {
    const { ask, key, account } = await serveFounded()
    const cookie = await signInFounder(ask)
    const byKey = await ask('/api/account', { key })
    expect(byKey.json).toEqual({
      id: account.id,
      email: ADA.email,
      server_administrator: true,
      organizations: [{ id: account.organization.id, name: 'acme', role: 'administrator' }],
      api_key: {
        last_four: key.slice(-4),
        created_at: expect.stringMatching(/^\d{4}-.*Z$/),
        last_used: {
          at: expect.stringMatching(/^\d{4}-.*Z$/),
          address: '127.0.0.1',
          client: expect.any(String),
        },
      },
    })
    expect((await ask('/api/account', { cookie })).json).toEqual(byKey.json)
    expect(byKey.text).not.toContain(key)
  })

  it('gets a new key, and the old one is refused from then on', async () => {
    const { ask, key } = await serveFounded()
    const answer = await ask('/api/account/api-key', { method: 'POST', key })
    expect(answer.status).toBe(201)
    const { api_key: fresh } = answer.json as { api_key: string }
    expect((await ask('/auth', { key })).status).toBe(401)
    expect((await ask('/auth', { key: fresh })).status).toBe(200)
  })

  it('gets the key of a lost reply again, by e-mail and password, until it is used', async () => {
    const { ask, key } = await serveFounded()
    const path = '/api/account/api-key'
    const known = { roll: 'a-lost-reply', email: ADA.email, password: ADA.password }
    const { email: _, ...byKey } = known
    const first = await ask(path, { method: 'POST', key, body: byKey })
    expect(first.status).toBe(201)
    const { api_key: fresh } = first.json as { api_key: string }
    expect((await ask('/auth', { key })).status).toBe(401)

    const again = await ask(path, { method: 'POST', body: known })
    expect([again.status, again.json]).toEqual([200, { api_key: fresh }])
    for (const [status, body] of [
      [401, { ...known, password: 'wrong' }],
      [401, { ...known, email: 'nobody@example.com' }],
      [422, { roll: known.roll, email: known.email }],
      [401, { roll: known.roll }],
      [422, { ...known, roll: 'x' }],
      [422, { ...known, roll: 7 }],
      [422, { ...known, other: 1 }],
    ] as const) {
      const refused = await ask(path, { method: 'POST', body })
      expect([body, refused.status]).toEqual([body, status])
      expect(refused.text).not.toContain(fresh)
    }

    expect((await ask('/auth', { key: fresh })).status).toBe(200)
    expect((await ask(path, { method: 'POST', body: known })).status).toBe(409)
    expect((await ask('/auth', { key: fresh })).status).toBe(200)
    const both = await ask(path, { method: 'POST', key: fresh, body: known })
    expect([both.status, (both.json as { error: string }).error]).toEqual([422, expect.any(String)])
  })

  it('by cookie gets a new key only from our own pages', async () => {
    const { ask, key } = await serveFounded()
    const cookie = await signInFounder(ask)
    const post = (headers: Record<string, string>) =>
      ask('/api/account/api-key', { method: 'POST', cookie, headers })
    for (const headers of [
      {},
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { 'content-type': 'text/plain' },
      { 'content-type': 'application/json', origin: 'https://evil.example' },
    ]) {
      expect([headers, (await post(headers)).status]).toEqual([headers, 403])
    }
    expect((await ask('/auth', { key })).status).toBe(200)
    expect((await post({ 'sec-fetch-site': 'same-origin' })).status).toBe(201)
    expect((await ask('/auth', { key })).status).toBe(401)
  })
})

describe('invitations', () => {
  it('are a link whose code stands in the fragment, which reaches no log', async () => {
    const { ask, key, port } = await serveFounded()
    const answer = await ask('/api/invitations', {
      key,
      body: { organization: 'acme', role: 'viewer' },
    })
    expect(answer.status).toBe(201)
    const { id, token, url, expires_at } = answer.json as Record<string, string>
    expect(id).toBeTruthy()
    expect(url).toBe(`http://localhost:${port}/sign-up#invitation=${token}`)
    expect(Date.parse(expires_at ?? '')).toBeGreaterThan(Date.now())
    const body = { email: 'bob@example.com', password: PASSWORD, invitation: token }
    const joined = await ask('/api/sign-up', { body })
    expect(joined.json).toMatchObject({ organization: { name: 'acme' } })
  })

  it('point to the public address where there is one', async () => {
    const { ask, domain } = await serveConsole({ PUBLIC_URL: 'https://keys.example.com' })
    const setup_token = domain.setupToken?.reveal()
    const made = await ask('/api/sign-up', { body: { ...ADA, setup_token } })
    const { api_key: key } = made.json as { api_key: string }
    const answer = await ask('/api/invitations', { key, body: {} })
    expect(answer.json).toMatchObject({
      url: expect.stringMatching(/^https:\/\/keys\.example\.com\/sign-up#invitation=/),
    })
  })

  it('with a role that does not exist name the field', async () => {
    const { ask, key } = await serveFounded()
    const answer = await ask('/api/invitations', {
      key,
      body: { organization: 'acme', role: 'god' },
    })
    expect([answer.status, answer.json]).toMatchObject([422, { field: 'role' }])
  })

  it('need an account', async () => {
    const { ask } = await serveFounded()
    expect((await ask('/api/invitations', { body: {} })).status).toBe(401)
  })
})

it('GET /api/racks is the list of the protocol, and how the audit log calls each', async () => {
  const { ask, domain, key } = await serveFounded()
  const cookie = await signInFounder(ask)
  const [expected] = (await ask('/racks', { key })).json as object[]
  const { id } = await domain.store.db.selectFrom('racks').select('id').executeTakeFirstOrThrow()
  expect((await ask('/api/racks', { cookie })).json).toEqual([{ id, ...expected }])
})
