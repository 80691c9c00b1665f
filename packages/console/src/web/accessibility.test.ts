import { readFileSync } from 'node:fs'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { serveConsole } from '../http/testing/serve-console.ts'
import { PASSWORD } from '../testing/console-domain.ts'
import { closeBrowserAfterAll, openPage, withoutChromium } from './testing/chromium.ts'

closeBrowserAfterAll()

const MEASURE = readFileSync(new URL('./testing/measure-layout.js', import.meta.url), 'utf8')

interface Layout {
  sideways: number
  small: string[]
}

const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1280, height: 800 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1280, height: 800 } },
  { name: 'a phone', colorScheme: 'light', viewport: { width: 390, height: 780 } },
  { name: 'the narrowest screen', colorScheme: 'dark', viewport: { width: 320, height: 640 } },
] as const

const KEY_NAME = 'k'.repeat(50)

/** Walks through all pages and their error states, and hands each one over once it is there. */
async function visitAll(page: Page, base: string, look: (name: string) => Promise<void>) {
  const submit = (name: string) =>
    page.getByRole('main').getByRole('button', { name, exact: true }).click()
  const at = (name: string) => page.getByRole('heading', { level: 1, name }).waitFor()
  const fill = (label: string, text: string) => page.getByLabel(label, { exact: true }).fill(text)

  await page.goto(base)
  await look('the first sign-up')
  await fill('Email', 'ada@example.com')
  await fill('Password', 'short')
  await fill('Organization', 'acme')
  await submit('Create account')
  await page.locator('#password-error').waitFor()
  await look('a refused sign-up')
  await fill('Password', PASSWORD)
  await submit('Create account')
  await at('Welcome')
  await look('the API key')
  await page.goto(base)
  await look('the Racks')
  await page.goto(`${base}/rack/acme/dev`)
  await look('a Rack')
  await page.goto(`${base}/rack/acme/dev/settings`)
  await look('the settings of a Rack that has not started')
  await page.goto(`${base}/account`)
  await look('the account')
  await page.getByRole('link', { name: 'Password' }).click()
  await fill('New password', 'short')
  await submit('Change the password')
  await page.locator('#current-error').waitFor()
  await look('a refused change of the password')
  await page.goto(`${base}/account`)
  await page.getByRole('link', { name: 'Join an organization' }).click()
  await submit('Join')
  await page.locator('#invitation-error').waitFor()
  await look('a refused invitation to join')
  await page.goto(`${base}/account`)
  await page.getByRole('link', { name: 'acme' }).click()
  await at('acme')
  await look('the members')
  await page.locator('#email').fill('no address')
  await submit('Make an invitation')
  await page.locator('#email-error').waitFor()
  await look('a refused invitation')
  // Longer than a line of the narrowest screen, and nowhere to break it.
  await page.locator('#email').fill(`${'b'.repeat(60)}@example.com`)
  await submit('Make an invitation')
  await page.locator('#invitation-link').waitFor()
  await look('the invitation')
  await page.goto(`${base}/members/acme`)
  await page.getByRole('link', { name: 'Change ada@example.com' }).click()
  await submit('Leave acme')
  await page.locator('#typed-error').waitFor()
  await look('a refused end of a membership')
  await page.getByRole('link', { name: 'Deploy keys' }).click()
  await page.getByText('There are none.').waitFor()
  await submit('Make the key')
  await page.locator('#name-error').waitFor()
  await look('a refused deploy key')
  await fill('Name', KEY_NAME)
  await submit('Make the key')
  await page.locator('#deploy-key').waitFor()
  await look('the deploy key')
  await page.getByRole('link', { name: 'Back to the deploy keys' }).click()
  await page.getByRole('link', { name: `Revoke ${KEY_NAME}` }).waitFor()
  await look('the deploy keys')
  await page.getByRole('link', { name: `Revoke ${KEY_NAME}` }).click()
  await page.getByLabel(`Type ${KEY_NAME}`).waitFor()
  await look('the end of a deploy key')
  await page.goto(`${base}/account/api-key`)
  await look('what is known of the API key')
  await page.getByRole('link', { name: 'Regenerate API Key' }).click()
  await at('Regenerate your API key?')
  await look('the confirmation')
  await submit('Regenerate API Key')
  await at('Your new API key')
  await look('the new API key')
  await page.goto(`${base}/nothing`)
  await look('not found')
  await page.goto(`${base}/rack/acme/none`)
  await look('a Rack that is not there')
  await page.getByRole('button', { name: 'Sign out' }).click()
  await at('Sign in')
  await look('signing in')
  await fill('Email', 'ada@example.com')
  await fill('Password', 'wrong')
  await submit('Sign in')
  await page.getByRole('alert').waitFor()
  await look('a refused sign-in')
  await page.goto(`${base}/sign-up`)
  await look('the invited sign-up')
}

describe.skipIf(withoutChromium).each(LOOKS)(
  'every page in $name (chromium)',
  ({ name: _, ...look }) => {
    it('has no violation that axe knows, no sideways scrolling and targets of 44 px', async () => {
      const { port } = await serveConsole()
      const page = await openPage(look)
      const found: unknown[] = []
      const titles = new Set<string>()
      await visitAll(page, `http://localhost:${port}`, async (name) => {
        titles.add(await page.title())
        await page.evaluate(axe.source)
        const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
        for (const { id, nodes } of violations) found.push([name, id, nodes[0]?.html])
        const layout = await page.evaluate<Layout>(MEASURE)
        if (layout.sideways > 0) found.push([name, 'scrolls sideways', layout.sideways])
        for (const target of layout.small) found.push([name, 'small target', target])
      })
      expect(found).toEqual([])
      expect(titles.size).toBeGreaterThan(6)
    })
  },
)

const FOCUSED = 'document.activeElement.textContent.trim()'

describe.skipIf(withoutChromium)('the keyboard (chromium)', () => {
  it('reaches the skip link first, and it leads to the content', async () => {
    const { port } = await serveConsole()
    const page = await openPage()
    // A page without a field that takes the focus.
    await page.goto(`http://localhost:${port}/`)
    await page.getByLabel('Email').fill('ada@example.com')
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
    await page.getByLabel('Organization').fill('acme')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
    await page.keyboard.press('Tab')
    const skip = page.getByRole('link', { name: 'Skip to content' })
    expect(await page.evaluate<string>(FOCUSED)).toBe('Skip to content')
    expect((await skip.boundingBox())?.y).toBeGreaterThanOrEqual(0)
    await page.keyboard.press('Enter')
    expect(await page.locator('main:focus').count()).toBe(1)
  })

  it('submits a form with Enter, and the focus is visible', async () => {
    const { port } = await serveConsole()
    const page = await openPage()
    await page.goto(`http://localhost:${port}/`)
    expect(await page.locator('#email:focus').count()).toBe(1)
    const outline = () =>
      page.evaluate<string>('getComputedStyle(document.activeElement).outlineStyle')
    expect(await outline()).toBe('solid')
    await page.keyboard.type('ada@example.com')
    await page.keyboard.press('Tab')
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press('Tab')
    expect(await outline()).toBe('solid')
    await page.getByLabel('Organization').focus()
    await page.keyboard.type('acme')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Welcome' }).waitFor()
  })
})
