import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import {
  cookieOf,
  serveConsole,
  serveFounded,
  signInFounder,
} from '../http/testing/serve-console.ts'
import { invited, PASSWORD } from '../testing/console-domain.ts'
import { ASSET_PATHS } from './assets.ts'

const HTML = { accept: 'text/html', 'sec-fetch-site': 'same-origin' }
const form = (fields: Record<string, string>) => new URLSearchParams(fields)

describe('every page', () => {
  it.each([
    ...['/', '/sign-up', '/sign-in', '/account', '/account/api-key', '/nothing'],
    ...['/account/api-key/regenerate', '/join', '/account/password'],
    ...['/rack/acme/dev', '/rack/acme/dev/settings', '/members/acme', '/deploy-keys/acme'],
  ])('%s is kept by nobody, framed by nobody, and runs no script but ours', async (path) => {
    const { ask } = await serveFounded()
    const cookie = await signInFounder(ask)
    for (const options of [{ headers: HTML }, { headers: HTML, cookie }]) {
      const { headers, text } = await ask(path, options)
      const policy = String(headers['content-security-policy'])
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['referrer-policy']).toBe('same-origin')
      expect(headers['cache-control']).toBe('no-store')
      expect(headers['x-request-id']).toBeTruthy()
      expect(text).not.toMatch(/<script(?![^>]*src=)|\son\w+=|style=|<style/)
      expect(text).not.toMatch(/(src|href|action)="(https?:)?\/\//)
    }
  })

  it('style, script and icon are kept for ever, under names that change with them', async () => {
    const { ask } = await serveConsole()
    for (const path of Object.values(ASSET_PATHS)) {
      const answer = await ask(path)
      expect(answer.status).toBe(200)
      expect(path).toMatch(/-[0-9a-f]{12}\.(css|js|svg)$/)
      expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable')
      expect(answer.headers['x-content-type-options']).toBe('nosniff')
    }
    const gone = await ask(ASSET_PATHS.style.replace(/-\w+/, '-000000000000'))
    expect([gone.status, gone.headers['cache-control']]).toEqual([404, 'no-store'])
  })

  it('of a person leads to the sign-in form without a session', async () => {
    const { ask } = await serveFounded()
    for (const path of ['/account', '/account/api-key', '/account/api-key/regenerate']) {
      const answer = await ask(path, { headers: HTML })
      expect([answer.status, answer.headers.location]).toEqual([
        303,
        `/sign-in?to=${encodeURIComponent(path)}`,
      ])
    }
  })
})

describe('a person who belongs to no organization', () => {
  it('is told so on the account page', async () => {
    const { ask, domain, account, key } = await serveFounded()
    const bob = await invited(domain, account, 'bob@example.com', 'viewer')
    const body = { email: 'bob@example.com', password: PASSWORD }
    const cookie = cookieOf(await ask('/api/sign-in', { body }))
    await ask(`/api/organizations/acme/members/${bob.id}`, { method: 'DELETE', key })
    const { text } = await ask('/account', { cookie, headers: HTML })
    expect(text).toMatch(/<dt>Organizations<\/dt><dd>.*none/)
    // Without a Rack the way to one is an invitation.
    expect((await ask('/', { cookie, headers: HTML })).text).toContain('href="/join"')
  })
})

describe('the Racks', () => {
  it('tell administrators how to add one more, and nobody else', async () => {
    const { ask, domain, account } = await serveFounded()
    const cookie = await signInFounder(ask)
    const own = (await ask('/', { cookie, headers: HTML })).text.replaceAll(/<\/?span>/g, '')
    expect(own).toContain('convox racks add acme/NAME --host HOST')
    expect(own).toContain('convox install --name NAME')
    await invited(domain, account, 'bob@example.com', 'operator')
    const body = { email: 'bob@example.com', password: PASSWORD }
    const bob = cookieOf(await ask('/api/sign-in', { body }))
    const shown = (await ask('/', { cookie: bob, headers: HTML })).text
    expect(shown).not.toContain('Add a Rack')
  })
})

describe('what is not there', () => {
  it.each(['/nothing', '/rack/acme/none', '/members/none', '/deploy-keys/acme/none'])(
    '%s says so under that name, with the way on and the request',
    async (path) => {
      const { ask } = await serveFounded()
      const { status, text, headers } = await ask(path, {
        cookie: await signInFounder(ask),
        headers: HTML,
      })
      expect(status).toBe(404)
      expect(text).toContain('<title>Not found')
      expect(text).toContain('href="/account"')
      expect(text).toContain(String(headers['x-request-id']))
    },
  )
})

describe('the start page', () => {
  it('is the sign-up form until there is an account, then the sign-in form', async () => {
    const { ask } = await serveConsole()
    expect((await ask('/', { headers: HTML })).text).toContain('<h1>Set up your Console</h1>')
    const body = form({ email: 'ada@example.com', password: PASSWORD, organization: 'acme' })
    expect((await ask('/sign-up', { body, headers: HTML })).status).toBe(201)
    expect((await ask('/', { headers: HTML })).text).toContain('<h1>Sign in</h1>')
  })

  it('says so when the browser came back from signing in without its cookie', async () => {
    const { ask } = await serveFounded()
    const body = form({ email: 'ada@example.com', password: PASSWORD })
    const { status, headers } = await ask('/sign-in', { body, headers: HTML })
    expect(status).toBe(303)
    const lost = await ask(String(headers.location), { headers: HTML })
    expect(lost.text).toContain('did not keep the session cookie')
    expect((await ask('/', { headers: HTML })).text).not.toContain('did not keep')
  })
})

describe('the sign-in form', () => {
  const typed = { email: 'ada@example.com', password: PASSWORD }
  const shown = (text: string) => /name="to" value="([^"]*)"/.exec(text)?.[1]

  it('leads on to the page that was asked for, also after a wrong password', async () => {
    const { ask } = await serveFounded()
    const away = await ask('/members/acme', { headers: HTML })
    const door = await ask(String(away.headers.location), { headers: HTML })
    expect(shown(door.text)).toBe('/members/acme')
    const wrong = form({ ...typed, password: 'x', to: '/members/acme' })
    expect(shown((await ask('/sign-in', { body: wrong, headers: HTML })).text)).toBe(
      '/members/acme',
    )
    const body = form({ ...typed, to: '/members/acme' })
    const signedIn = await ask('/sign-in', { body, headers: HTML })
    const cookie = cookieOf(signedIn)
    const on = await ask(String(signedIn.headers.location), { headers: HTML, cookie })
    expect([on.status, on.headers.location]).toEqual([303, '/members/acme'])
    // In another tab the form is still there.
    const again = await ask(String(away.headers.location), { headers: HTML, cookie })
    expect([again.status, again.headers.location]).toEqual([303, '/members/acme'])
  })

  it('leads nobody to another site', async () => {
    const { ask } = await serveFounded()
    const to = '//evil.example/'
    const door = await ask(`/sign-in?to=${encodeURIComponent(to)}`, { headers: HTML })
    expect(door.text).not.toContain('evil')
    const signedIn = await ask('/sign-in', { body: form({ ...typed, to }), headers: HTML })
    expect(signedIn.headers.location).toBe('/?signed-in')
    const made = `/?signed-in&to=${encodeURIComponent(to)}`
    const on = await ask(made, { headers: HTML, cookie: cookieOf(signedIn) })
    expect(on.headers.location).toBe('/')
  })

  it('says that a form which came without a session did nothing', async () => {
    const { ask, key } = await serveFounded()
    const lost = await ask('/account/api-key', { method: 'POST', headers: HTML })
    const door = await ask(String(lost.headers.location), { headers: HTML })
    expect(door.text).toContain('nothing was done')
    expect((await ask('/auth', { key })).status).toBe(200)
  })
})

describe('signing up', () => {
  it('sent again by the same browser leads to the key instead of asking for an invitation', async () => {
    const { ask } = await serveConsole()
    const body = form({ email: ' Ada@example.com', password: PASSWORD, organization: 'acme' })
    const cookie = cookieOf(await ask('/sign-up', { body, headers: HTML }))
    const again = await ask('/sign-up', { body, headers: HTML, cookie })
    expect(again.status).toBe(403)
    expect(again.text).toContain('Your account is there already')
    expect(again.text).toContain('href="/account/api-key"')
    expect(again.text).not.toMatch(/cvxu_\w/)
    const stranger = await ask('/sign-up', { body, headers: HTML })
    expect(stranger.text).toContain('id="invitation-error"')
  })
})

describe('a form that is refused', () => {
  it('comes back with the error at its field and everything that was typed but the password', async () => {
    const { ask } = await serveConsole()
    const password = 'short-one'
    const body = form({ email: 'ada@example.com', password, organization: 'acme' })
    const { status, text } = await ask('/sign-up', { body, headers: HTML })
    expect(status).toBe(422)
    expect(text).toContain('value="ada@example.com"')
    expect(text).toContain('value="acme"')
    expect(text).not.toContain(password)
    expect(text).toMatch(/<input id="password"[^>]*aria-describedby="password-hint password-error"/)
    expect(text).toMatch(/<input id="password"[^>]*aria-invalid="true"[^>]*autofocus/)
    expect(text).toMatch(/id="password-error">[^<]*15/)
  })

  it('names the first field that is empty', async () => {
    const { ask } = await serveConsole()
    const body = form({ email: '', password: '', organization: 'acme' })
    const { text } = await ask('/sign-up', { body, headers: HTML })
    expect(text).toContain('id="email-error">This is needed.')
  })

  it('shows what was typed as text, whatever it is', async () => {
    const { ask } = await serveFounded()
    const body = form({ email: '"><script>alert(1)</script>', password: 'x' })
    const { text } = await ask('/sign-in', { body, headers: HTML })
    expect(text).not.toContain('<script>alert')
    expect(text).toContain('&lt;script&gt;alert')
  })

  it('says the same for an unknown address and a wrong password, without a challenge', async () => {
    const { ask } = await serveFounded()
    const [unknown, wrong] = await Promise.all(
      ['eve@example.com', 'ada@example.com'].map((email) =>
        ask('/sign-in', { body: form({ email, password: 'x' }), headers: HTML }),
      ),
    )
    expect([unknown?.status, wrong?.status]).toEqual([403, 403])
    expect(unknown?.text.replace('eve@', 'ada@')).toBe(wrong?.text)
    expect(wrong?.headers['www-authenticate']).toBeUndefined()
  })

  it('says how long to wait when it came too often', async () => {
    const { ask } = await serveFounded()
    const body = form({ email: 'ada@example.com', password: 'x' })
    const answers = []
    for (let attempt = 0; attempt < 30; attempt += 1) {
      const answer = await ask('/sign-in', { body, headers: HTML })
      answers.push(answer)
      if (answer.status === 429) break
    }
    const last = answers.at(-1)
    expect(last?.status).toBe(429)
    expect(Number(last?.headers['retry-after'])).toBeGreaterThan(0)
    expect(last?.text).toContain('role="alert"')
  })

  it('is a page with the request id when it is not a form at all', async () => {
    const { ask } = await serveFounded()
    const headers = { ...HTML, 'content-type': 'multipart/form-data; boundary=x' }
    const answer = await ask('/sign-in', { method: 'POST', body: '--x--', headers })
    expect(answer.status).toBe(415)
    expect(answer.text).toContain(String(answer.headers['x-request-id']))
  })

  it('is a page that explains nothing private when the server itself failed', async () => {
    const { ask, domain } = await serveFounded()
    await domain.store.close()
    const body = form({ email: 'ada@example.com', password: PASSWORD })
    const answer = await ask('/sign-in', { body, headers: HTML })
    expect(answer.status).toBe(500)
    expect(answer.text).toContain('Something failed here')
    expect(answer.text).not.toMatch(/sqlite|closed|\.ts/i)
  })
})

describe('forms of other sites', () => {
  it.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    {},
  ])('with %j do nothing', async (headers) => {
    const { ask, key } = await serveFounded()
    const cookie = await signInFounder(ask)
    const body = form({ email: 'ada@example.com', password: PASSWORD })
    for (const path of ['/sign-in', '/sign-up', '/sign-out', '/account/api-key']) {
      const answer = await ask(path, { body, cookie, headers })
      expect([path, answer.status]).toEqual([path, 403])
      expect(answer.headers['set-cookie']).toBeUndefined()
    }
    expect((await ask('/auth', { key })).status).toBe(200)
    expect((await ask('/api/account', { cookie })).status).toBe(200)
  })

  it('reading a page changes nothing: signing out and regenerating need a POST', async () => {
    const { ask, key } = await serveFounded()
    const cookie = await signInFounder(ask)
    const paths = ['/sign-out', '/account/api-key', '/account/api-key/regenerate']
    for (const path of paths) await ask(path, { cookie, headers: HTML })
    expect((await ask('/auth', { key })).status).toBe(200)
    expect((await ask('/api/account', { cookie })).status).toBe(200)
  })
})

describe('a password', () => {
  const host = 'console.internal'
  const fields = { email: 'ada@example.com', password: PASSWORD }

  it('is neither asked for nor taken where others can read along', async () => {
    const { ask } = await serveConsole({ ALLOWED_HOSTS: host })
    const headers = { ...HTML, host }
    for (const path of ['/', '/sign-in', '/sign-up']) {
      const answer = await ask(path, { headers })
      expect([path, answer.status]).toEqual([path, 403])
      expect(answer.text).toContain('Open this over https')
      expect(answer.text).not.toContain('<input')
    }
    const answer = await ask('/sign-in', { body: form(fields), headers })
    expect([answer.status, cookieOf(answer)]).toEqual([403, ''])
    expect(answer.text).toContain('Open this over https')
  })

  it('is asked for under that name over TLS, and behind a proxy that speaks it', async () => {
    const env = { ALLOWED_HOSTS: host, TRUSTED_PROXIES: '127.0.0.1' }
    const { ask } = await serveConsole(env)
    const headers = { ...HTML, host }
    expect((await ask('/', { headers, tls: true })).status).toBe(200)
    const proxied = { ...headers, 'x-forwarded-proto': 'https' }
    expect((await ask('/', { headers: proxied })).status).toBe(200)
  })

  it('is asked for under the public name, which is https', async () => {
    const { ask } = await serveConsole({ PUBLIC_URL: `https://${host}` })
    expect((await ask('/', { headers: { ...HTML, host } })).status).toBe(200)
  })
})

describe('the setup token', () => {
  it('shows the key also when no session can be made, because the account is there', async () => {
    const { ask, domain } = await serveConsole()
    await sql`alter table sessions rename to sessions_elsewhere`.execute(domain.store.db)
    const body = form({ email: 'ada@example.com', password: PASSWORD, organization: 'acme' })
    const answer = await ask('/sign-up', { body, headers: HTML })
    expect(answer.status).toBe(201)
    expect(answer.headers['set-cookie']).toBeUndefined()
    const [key = ''] = /cvxu_\w{39}/.exec(answer.text) ?? []
    expect((await ask('/auth', { key })).status).toBe(200)
    expect(domain.lines.join('')).toContain('signed up without a session')
  })

  it('is a field only of the first sign-up that others could reach', async () => {
    const reachable = await serveConsole({ PUBLIC_URL: 'https://keys.example.com' })
    expect((await reachable.ask('/', { headers: HTML })).text).toContain('id="setup_token"')
    const body = form({ email: 'ada@example.com', password: PASSWORD, organization: 'acme' })
    const refused = await reachable.ask('/sign-up', { body, headers: HTML })
    expect(refused.text).toContain('id="setup_token-error"')
    body.set('setup_token', reachable.domain.setupToken?.reveal() ?? '')
    expect((await reachable.ask('/sign-up', { body, headers: HTML })).status).toBe(201)
    expect((await reachable.ask('/sign-up', { headers: HTML })).text).not.toContain('setup_token')
    const local = await serveConsole()
    expect((await local.ask('/', { headers: HTML })).text).not.toContain('setup_token')
  })
})
