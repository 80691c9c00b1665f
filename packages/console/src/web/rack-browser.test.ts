import { readFileSync } from 'node:fs'
import axe from 'axe-core'
import type { Page } from 'playwright-core'
import { describe, expect, it } from 'vitest'
import { rolledConsole, shareRunningRack } from '../rack-rolls/testing/rolled-console.ts'
import { PASSWORD } from '../testing/console-domain.ts'
import { closeBrowserAfterAll, openPage, withoutChromium } from './testing/chromium.ts'

closeBrowserAfterAll()
const rack = shareRunningRack()

async function signIn(page: Page, base: string): Promise<void> {
  await page.goto(`${base}/sign-in`)
  await page.getByLabel('Email').fill('ada@example.com')
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('main').getByRole('button', { name: 'Sign in' }).click()
  await page.getByRole('heading', { name: 'Racks' }).waitFor()
}

/** Racks, a Rack, Settings, Roll API Key: the words of the documentation. */
async function rollByClicking(page: Page, grace?: string): Promise<void> {
  await page.getByRole('link', { name: 'Racks' }).click()
  await page.getByRole('link', { name: 'acme/live' }).click()
  await page.getByRole('link', { name: 'Settings' }).click()
  if (grace !== undefined) await page.getByLabel('Grace of the old key').selectOption(grace)
  await page.getByLabel('I know that').check()
  await page.getByRole('button', { name: 'Roll API Key' }).click()
}

describe.skipIf(withoutChromium)('a browser (chromium)', () => {
  it.each([true, false])(
    'rolls the key of a real Rack by the documented path (script: %s)',
    async (script) => {
      const served = await rolledConsole(rack())
      const before = served.held()
      const page = await openPage({ javaScriptEnabled: script })
      const problems: string[] = []
      page.on('console', (message) => {
        if (message.type() === 'error') problems.push(message.text())
      })
      page.on('pageerror', (error) => problems.push(error.message))
      await signIn(page, `http://localhost:${served.port}`)
      await rollByClicking(page)
      await served.until('done')
      // With script the page comes to say so by itself.
      if (!script) await page.reload()
      await page.locator('dt:text-is("By") + dd').getByText('ada@example.com').waitFor()
      await page.getByRole('button', { name: 'Roll API Key' }).waitFor()
      expect(await served.takes(before)).toBe(false)
      expect(await served.takes(served.held())).toBe(true)
      expect(problems).toEqual([])
    },
  )

  it('shows how a roll goes on without being asked, says so aloud, and ends a grace', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    const page = await openPage()
    await signIn(page, `http://localhost:${served.port}`)
    await rollByClicking(page, '3600')
    const main = page.getByRole('main')
    await main.getByText('Both keys work until').waitFor()
    expect(await main.getByRole('link', { name: 'Look again' }).count()).toBe(0)
    expect(await served.takes(before)).toBe(true)
    await main.getByRole('heading', { name: 'Who still uses the old key' }).waitFor()
    await page.getByRole('status').getByText('draining').waitFor({ state: 'attached' })
    // What came by script can be copied as well.
    await main.getByRole('button', { name: 'Copy command to finish' }).waitFor()
    await main.getByRole('button', { name: 'Finish now' }).click()
    await page.getByRole('alert').getByText('is still used').waitFor()
    await main.getByLabel('End the old key although').check()
    await main.getByRole('button', { name: 'Finish now' }).click()
    await main.getByRole('button', { name: 'Roll API Key' }).waitFor()
    await served.until('done')
    expect(await served.takes(before)).toBe(false)
  })
})

const MEASURE = readFileSync(new URL('./testing/measure-layout.js', import.meta.url), 'utf8')

interface Layout {
  sideways: number
  small: string[]
}

describe.skipIf(withoutChromium)('the pages of a Rack (chromium)', () => {
  it('have no violation that axe knows, no sideways scrolling and targets of 44 px', async () => {
    const served = await rolledConsole(rack())
    const base = `http://localhost:${served.port}`
    const before = served.held()
    const found: unknown[] = []
    const look = async (page: Page, name: string): Promise<void> => {
      await page.evaluate(axe.source)
      const { violations } = await page.evaluate<axe.AxeResults>('axe.run()')
      for (const { id, nodes } of violations) found.push([name, id, nodes[0]?.html])
      const layout = await page.evaluate<Layout>(MEASURE)
      if (layout.sideways > 0) found.push([name, 'scrolls sideways', layout.sideways])
      for (const target of layout.small) found.push([name, 'small target', target])
    }
    const light = await openPage({ colorScheme: 'light', viewport: { width: 1280, height: 800 } })
    const dark = await openPage({ colorScheme: 'dark', viewport: { width: 320, height: 640 } })
    for (const page of [light, dark]) await signIn(page, base)
    for (const page of [light, dark]) {
      await page.goto(`${base}/rack/acme/live`)
      await look(page, 'the Rack')
      await page.goto(`${base}/rack/acme/live/settings`)
      await look(page, 'its settings')
      await page.getByRole('button', { name: 'Roll API Key' }).click()
      await page.locator('#consent-error').waitFor()
      await look(page, 'a refused roll')
    }
    await rollByClicking(light, '3600')
    await light.getByRole('main').getByText('Both keys work until').waitFor()
    await served.takes(before)
    for (const page of [light, dark]) {
      await page.goto(`${base}/rack/acme/live/settings`)
      await page.getByRole('heading', { name: 'Who still uses the old key' }).waitFor()
      await look(page, 'a grace')
    }
    expect(found).toEqual([])
  })
})
