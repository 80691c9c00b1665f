import { describe, expect, it } from 'vitest'
import { cookieOf, serveFounded, signInFounder } from '../http/testing/serve-console.ts'
import { PASSWORD } from '../testing/console-domain.ts'

const HTML = { accept: 'text/html', 'sec-fetch-site': 'same-origin' }
const NEW = 'seven quiet herons at dusk'

async function signedInTwice() {
  const served = await serveFounded()
  const { ask } = served
  const cookie = await signInFounder(ask)
  const other = await signInFounder(ask)
  const post = (path: string, fields: Record<string, string> = {}, headers = HTML) =>
    ask(path, { method: 'POST', body: new URLSearchParams(fields), headers, cookie })
  const isSignedIn = async (by: string) => (await ask('/api/account', { cookie: by })).status
  return { ...served, cookie, other, post, isSignedIn }
}

describe('the sessions of an account', () => {
  it('are listed, and all but this one end at a click', async () => {
    const { ask, cookie, other, post, isSignedIn } = await signedInTwice()
    const { text } = await ask('/account', { cookie, headers: HTML })
    expect(text.match(/127\.0\.0\.1/g)).toHaveLength(2)
    expect(text.match(/this browser/g)).toHaveLength(1)
    for (const token of [cookie, other]) expect(text).not.toContain(token.split('=')[1])
    const { status, headers } = await post('/account/sign-out-others')
    expect([status, headers.location]).toEqual([303, '/account'])
    expect([await isSignedIn(cookie), await isSignedIn(other)]).toEqual([200, 401])
    const alone = await ask('/account', { cookie, headers: HTML })
    expect(alone.text).not.toContain('Sign out the others')
  })

  it('are ended by no page of another site', async () => {
    const { ask, cookie, other, isSignedIn } = await signedInTwice()
    const headers = { origin: 'https://evil.example' }
    for (const path of ['/account/sign-out-others', '/account/password']) {
      const body = new URLSearchParams({ current: PASSWORD, password: NEW })
      expect((await ask(path, { body, cookie, headers })).status).toBe(403)
    }
    expect([await isSignedIn(cookie), await isSignedIn(other)]).toEqual([200, 200])
  })
})

describe('a password', () => {
  it('is changed by whoever knows it, who stays signed in alone, with a new cookie', async () => {
    const { ask, key, cookie, other, post, isSignedIn } = await signedInTwice()
    const changed = await post('/account/password', { current: PASSWORD, password: NEW })
    expect([changed.status, changed.headers.location]).toEqual([303, '/account'])
    expect(await isSignedIn(cookieOf(changed))).toBe(200)
    expect([await isSignedIn(cookie), await isSignedIn(other)]).toEqual([401, 401])
    expect((await ask('/auth', { key })).status).toBe(200)
    const credentials = { email: 'ada@example.com', password: NEW }
    expect((await ask('/api/sign-in', { body: credentials })).status).toBe(200)
  })

  it.each([
    [{ current: 'a wrong password', password: NEW }, 'current'],
    [{ current: PASSWORD, password: 'short' }, 'password'],
    [{ current: '', password: NEW }, 'current'],
    [{ current: PASSWORD, password: '' }, 'password'],
    [{ current: PASSWORD, password: 'x'.repeat(20_000) }, 'password'],
  ])('is not changed by %j: the error is at its field', async (fields, at) => {
    const { ask, post, isSignedIn, other } = await signedInTwice()
    const { status, text } = await post('/account/password', fields)
    expect(status).toBe(422)
    expect(text).toContain(`id="${at}-error"`)
    expect(text).not.toContain(PASSWORD)
    expect(text).not.toContain(NEW)
    expect(await isSignedIn(other)).toBe(200)
    const credentials = { email: 'ada@example.com', password: PASSWORD }
    expect((await ask('/api/sign-in', { body: credentials })).status).toBe(200)
  })
})
