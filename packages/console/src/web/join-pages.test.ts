import { describe, expect, it } from 'vitest'
import { cookieOf, serveFounded } from '../http/testing/serve-console.ts'
import { invited, PASSWORD } from '../testing/console-domain.ts'
import { closeBrowserAfterAll, openPage, withoutChromium } from './testing/chromium.ts'

closeBrowserAfterAll()

const HTML = { accept: 'text/html', 'sec-fetch-site': 'same-origin' }

/** Bob, who founded an organization of his own, and an invitation of Ada's to acme. */
async function invitedBob() {
  const served = await serveFounded()
  const { ask, key, domain, account } = served
  const invitation = await ask('/api/invitations', { key, body: {} })
  const { token: own } = invitation.json as { token: string }
  const credentials = { email: 'bob@example.com', password: PASSWORD }
  const body = { ...credentials, invitation: own, organization: 'other' }
  await ask('/api/sign-up', { body })
  const cookie = cookieOf(await ask('/api/sign-in', { body: credentials }))
  const asked = { organization: 'acme', role: 'viewer' }
  const { token, url } = (await ask('/api/invitations', { key, body: asked })).json as {
    token: string
    url: string
  }
  const join = (fields: Record<string, string>, headers: Record<string, string> = HTML) =>
    ask('/join', { body: new URLSearchParams(fields), headers, cookie })
  const organizations = async () => {
    const { json } = await ask('/api/account', { cookie })
    return (json as { organizations: Array<{ name: string }> }).organizations.map(
      ({ name }) => name,
    )
  }
  return { ...served, cookie, token, url, join, organizations, domain, account }
}

describe('an invitation, to somebody who has an account', () => {
  it.each(['token', 'url'] as const)('is accepted on the page by its %s', async (form) => {
    const bob = await invitedBob()
    const { status, headers } = await bob.join({ invitation: bob[form], organization: '' })
    expect([status, headers.location]).toEqual([303, '/members/acme'])
    expect(await bob.organizations()).toEqual(['acme', 'other'])
  })

  it('that is none comes back with what was typed, and changes nothing', async () => {
    const { join, organizations } = await invitedBob()
    for (const invitation of ['', 'nonsense', '"><script>']) {
      const { status, text } = await join({ invitation })
      expect(status).toBeGreaterThanOrEqual(400)
      expect(text).toContain('id="invitation-error"')
      expect(text).not.toContain('"><script>')
    }
    expect(await organizations()).toEqual(['other'])
  })

  it('is not accepted by a page of another site, or without a session', async () => {
    const { ask, join, token, organizations } = await invitedBob()
    expect((await join({ invitation: token }, { origin: 'https://evil.example' })).status).toBe(403)
    const body = new URLSearchParams({ invitation: token })
    const stranger = await ask('/join', { body, headers: HTML })
    expect(stranger.headers.location).toBe('/sign-in?unsent&to=%2Fjoin')
    expect(await organizations()).toEqual(['other'])
  })

  it('says so when it is to an organization they belong to', async () => {
    const { domain, account, ask, key } = await invitedBob()
    await invited(domain, account, 'carol@example.com', 'viewer')
    const credentials = { email: 'carol@example.com', password: PASSWORD }
    const cookie = cookieOf(await ask('/api/sign-in', { body: credentials }))
    const again = await ask('/api/invitations', { key, body: { organization: 'acme' } })
    const { token } = again.json as { token: string }
    const body = new URLSearchParams({ invitation: token })
    const { status, text } = await ask('/join', { body, headers: HTML, cookie })
    expect(status).toBe(409)
    expect(text).toContain('You are a member of acme already')
  })
})

describe.skipIf(withoutChromium)('a browser (chromium)', () => {
  it.each([true, false])(
    'that is signed in joins by the link it was sent (script: %s)',
    async (script) => {
      const { url, port, organizations } = await invitedBob()
      const page = await openPage({ javaScriptEnabled: script })
      await page.goto(`http://localhost:${port}/sign-in`)
      await page.getByLabel('Email').fill('bob@example.com')
      await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
      await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
      await page.getByRole('heading', { level: 1, name: 'Racks' }).waitFor()
      await page.goto(url)
      if (script) expect(page.url()).toBe(`http://localhost:${port}/join`)
      else await page.getByLabel('Invitation').fill(url)
      await page.getByRole('button', { name: 'Join', exact: true }).click()
      await page.getByRole('heading', { level: 1, name: 'acme' }).waitFor()
      expect(await organizations()).toEqual(['acme', 'other'])
    },
  )
})
