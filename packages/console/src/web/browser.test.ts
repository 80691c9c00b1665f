import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { describe, expect, it, onTestFinished } from 'vitest'
import { serveConsole, serveFounded } from '../http/testing/serve-console.ts'
import { PASSWORD } from '../testing/console-domain.ts'
import { closeBrowserAfterAll, openPage, withoutChromium } from './testing/chromium.ts'

closeBrowserAfterAll()

async function signUp(page: Page, base: string): Promise<string> {
  await page.goto(base)
  await page.getByLabel('Email').fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByLabel('Organization').fill('acme')
  await page.getByRole('button', { name: 'Create account' }).click()
  return shownKey(page)
}

async function shownKey(page: Page): Promise<string> {
  return (await page.locator('#api-key').textContent()) ?? ''
}

async function signIn(page: Page, base: string, password = PASSWORD): Promise<void> {
  await page.goto(`${base}/sign-in`)
  await page.getByLabel('Email').fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
}

describe.skipIf(withoutChromium)('a browser (chromium)', () => {
  it.each([true, false])(
    'signs up (script: %s): a key that works, a login line to copy',
    async (script) => {
      const { port, ask, fingerprint } = await serveConsole()
      const page = await openPage({ javaScriptEnabled: script })
      const problems: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text())
      })
      page.on('pageerror', (error) => problems.push(error.message))
      const key = await signUp(page, `http://localhost:${port}`)
      expect((await ask('/auth', { key })).status).toBe(200)
      expect(await page.title()).toBe('Your API key · Keyrack')
      const line = `convox login localhost:3443 --fingerprint ${fingerprint}`
      expect(await page.locator('#login-line').textContent()).toBe(line)
      expect(page.url()).not.toContain(key)
      expect(await page.getByRole('button', { name: 'Copy API key' }).count()).toBe(script ? 1 : 0)
      await page.getByRole('link', { name: 'Continue to your Racks' }).click()
      await page.getByRole('heading', { name: 'acme/dev' }).waitFor()
      expect(await page.content()).not.toContain(key)
      expect(problems).toEqual([])
    },
  )

  it.each(['http://localhost', 'http://127.0.0.1', 'https://localhost'])(
    'keeps the session cookie on %s, out of reach of scripts',
    async (origin) => {
      const { port, tlsPort } = await serveConsole()
      const page = await openPage()
      const base = `${origin}:${origin.startsWith('https') ? tlsPort : port}`
      await signUp(page, base)
      const cookies = await page.context().cookies()
      expect(cookies).toMatchObject([
        { name: '__Host-session', secure: true, httpOnly: true, sameSite: 'Lax', path: '/' },
      ])
      expect(await page.evaluate<string>('document.cookie')).toBe('')
      await page.goto(`${base}/account`)
      await page.getByRole('heading', { level: 1, name: 'Account' }).waitFor()
    },
  )

  it.each([true, false])('signs in and out (script: %s)', async (script) => {
    const { port, ask } = await serveFounded()
    const base = `http://localhost:${port}`
    const page = await openPage({ javaScriptEnabled: script })
    await signIn(page, base, 'not the password at all')
    await page.getByRole('alert').getByText('password is wrong').waitFor()
    expect(await page.getByLabel('Email').inputValue()).toBe('ada@example.com')
    expect(await page.getByLabel('Password', { exact: true }).inputValue()).toBe('')
    await signIn(page, base)
    await page.getByRole('heading', { name: 'Racks' }).waitFor()
    await page.goto(`${base}/account`)
    const { value: session = '' } = (await page.context().cookies())[0] ?? {}
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    expect(await page.context().cookies()).toEqual([])
    await page.goBack()
    await page.getByRole('heading', { name: 'Sign in' }).waitFor()
    // What the browser forgot is over at the server as well.
    const cookie = `__Host-session=${session}`
    expect((await ask('/api/account', { cookie })).status).toBe(401)
  })

  it.each([true, false])(
    'regenerates the key by the documented path, after saying what stops (script: %s)',
    async (script) => {
      const { port, ask, key } = await serveFounded()
      const base = `http://localhost:${port}`
      const page = await openPage({ javaScriptEnabled: script })
      await signIn(page, base)
      await page.getByRole('link', { name: 'Account' }).click()
      await page.getByRole('link', { name: 'API Key' }).click()
      await page.getByText(`cvxu_…${key.slice(-4)}`).waitFor()
      await page.getByRole('link', { name: 'Regenerate API Key' }).click()
      await page.getByText('stops working at once').waitFor()
      expect((await ask('/auth', { key })).status).toBe(200)
      await page.getByRole('button', { name: 'Regenerate API Key' }).click()
      const fresh = await shownKey(page)
      expect((await ask('/auth', { key })).status).toBe(401)
      expect((await ask('/auth', { key: fresh })).status).toBe(200)
    },
  )

  it('begins the confirmation at the button that changes nothing', async () => {
    const { port, ask, key } = await serveFounded()
    const page = await openPage()
    await signIn(page, `http://localhost:${port}`)
    await page.goto(`http://localhost:${port}/account/api-key/regenerate`)
    // The browser gives the focus a moment after the page has loaded.
    await page.locator(':is(a, button):focus').waitFor()
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Account' }).waitFor()
    expect((await ask('/auth', { key })).status).toBe(200)
  })

  it('copies the key and the command, and says so', async () => {
    const { port } = await serveConsole()
    const page = await openPage()
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const key = await signUp(page, `http://localhost:${port}`)
    await page.getByRole('button', { name: 'Copy API key' }).click()
    await page.getByRole('status').getByText('Copied').waitFor()
    expect(await page.evaluate<string>('navigator.clipboard.readText()')).toBe(key)
    await page.getByRole('button', { name: 'Copy login command' }).click()
    const line = await page.locator('#login-line').textContent()
    await expect.poll(() => page.evaluate<string>('navigator.clipboard.readText()')).toBe(line)
  })

  it('says a time in the zone of whoever reads, too', async () => {
    const { port } = await serveFounded()
    const page = await openPage({ timezoneId: 'Asia/Kolkata', locale: 'en-GB' })
    await signIn(page, `http://localhost:${port}`)
    await page.goto(`http://localhost:${port}/account/api-key`)
    const time = page.locator('time').first()
    expect(await time.textContent()).toMatch(/UTC$/)
    expect(await time.getAttribute('title')).toMatch(/ GMT\+5:30$/)
  })

  it('shows a password on request and hides it before it is sent', async () => {
    const { port } = await serveFounded()
    const page = await openPage()
    await page.goto(`http://localhost:${port}/`)
    const password = page.getByLabel('Password', { exact: true })
    await page.getByRole('button', { name: 'Show password' }).click()
    expect(await password.getAttribute('type')).toBe('text')
    await page.getByRole('button', { name: 'Hide password' }).click()
    expect(await password.getAttribute('type')).toBe('password')
  })

  it('takes an invitation from the link, and out of the address bar', async () => {
    const { port, ask, key, domain } = await serveFounded()
    const body = { organization: 'acme', role: 'viewer' }
    const invitation = await ask('/api/invitations', { key, body })
    const { url, token } = invitation.json as { url: string; token: string }
    const page = await openPage()
    await page.goto(url)
    expect(await page.getByLabel('Invitation').inputValue()).toBe(token)
    expect(page.url()).toBe(`http://localhost:${port}/sign-up`)
    await page.getByLabel('Email').fill('bob@example.com')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
    expect(domain.lines.join('')).not.toContain(token)
  })

  it('without script takes the whole link pasted as the invitation', async () => {
    const { ask, key } = await serveFounded()
    const invitation = await ask('/api/invitations', { key, body: { organization: 'acme' } })
    const { url } = invitation.json as { url: string }
    const page = await openPage({ javaScriptEnabled: false })
    await page.goto(url)
    await page.getByLabel('Invitation').fill(`  ${url} `)
    await page.getByLabel('Email').fill('bob@example.com')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByRole('button', { name: 'Create account' }).click()
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
  })

  it('does nothing for a form on another site, and runs no script put into a page', async () => {
    const { port, ask, key } = await serveFounded()
    const evil = createServer((_, res) => {
      res.setHeader('content-type', 'text/html')
      const target = `http://localhost:${port}/account/api-key`
      res.end(`<form method="post" action="${target}"><button>Win a prize</button></form>`)
    })
    await new Promise<void>((resolve) => evil.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void evil.close())
    const page = await openPage()
    await signIn(page, `http://localhost:${port}`)
    await page.getByRole('heading', { name: 'Racks' }).waitFor()
    await page.evaluate(`{
      const script = document.createElement('script')
      script.textContent = 'document.title = "taken over"'
      document.body.append(script)
    }`)
    expect(await page.title()).toBe('Racks · Keyrack')
    await page.goto(`http://127.0.0.1:${(evil.address() as AddressInfo).port}/`)
    await page.getByRole('button', { name: 'Win a prize' }).click()
    await page.getByText('did not come from a page of this Console').waitFor()
    expect(await page.locator('#api-key').count()).toBe(0)
    expect((await ask('/auth', { key })).status).toBe(200)
  })
})
