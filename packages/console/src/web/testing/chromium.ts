import { existsSync } from 'node:fs'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { afterAll, onTestFinished } from 'vitest'

const PLACES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const executablePath = PLACES.find((path) => existsSync(path))
const required = (process.env.REQUIRE ?? '').split(',').includes('chromium')

/** Browser tests are named and skipped where there is no Chromium, unless it is required. */
export const withoutChromium = executablePath === undefined && !required

const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

let running: Promise<Browser> | undefined

/** A page in a browser profile of its own; the browser itself is shared within a test file. */
export async function openPage(options: BrowserContextOptions = {}): Promise<Page> {
  if (executablePath === undefined) {
    throw new Error(`REQUIRE names chromium, which is at none of ${PLACES.join(', ')}`)
  }
  running ??= chromium.launch({ executablePath, args: ARGS })
  const browser = await running
  const context = await browser.newContext({ ignoreHTTPSErrors: true, ...options })
  onTestFinished(() => context.close())
  return context.newPage()
}

/** To be called once at the top of a file that opens pages. */
export function closeBrowserAfterAll(): void {
  afterAll(async () => {
    await (await running)?.close()
    running = undefined
  })
}
