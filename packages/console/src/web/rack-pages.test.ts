import { describe, expect, it } from 'vitest'
import { cookieOf, type ServedConsole, signInFounder } from '../http/testing/serve-console.ts'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { KeysInFlight } from '../rack-rolls/keys-in-flight.ts'
import { NO_POINT } from '../rack-rolls/point.ts'
import { ONLY_CONSOLE } from '../rack-rolls/replicas.ts'
import { startRoll } from '../rack-rolls/start-roll.ts'
import {
  type RolledConsole,
  rolledConsole,
  shareRunningRack,
} from '../rack-rolls/testing/rolled-console.ts'
import { consoleAndRack } from '../racks/testing/added-rack.ts'
import { letRoll } from '../racks/testing/rolling-official-rack.ts'
import { PASSWORD, REQUEST } from '../testing/console-domain.ts'
import { eventually } from '../testing/eventually.ts'

const rack = shareRunningRack()

const HTML = { accept: 'text/html', 'sec-fetch-site': 'same-origin' }
const SETTINGS = '/rack/acme/live/settings'
const form = (fields: Record<string, string>) => new URLSearchParams(fields)

/** What a browser of the founder sees and sends. */
async function browse(served: ServedConsole, cookie?: string) {
  const session = cookie ?? (await signInFounder(served.ask))
  return {
    get: (path: string) => served.ask(path, { headers: HTML, cookie: session }),
    post: (path: string, fields: Record<string, string> = {}) =>
      served.ask(path, { method: 'POST', body: form(fields), headers: HTML, cookie: session }),
  }
}

/** Somebody else of acme, or of an organization of their own; the answer is their cookie. */
async function joined({ ask, key }: RolledConsole, role?: string): Promise<string> {
  const body = role === undefined ? {} : { organization: 'acme', role }
  const invitation = await ask('/api/invitations', { key, body })
  const { token } = invitation.json as { token: string }
  const account = {
    email: `${role ?? 'eve'}@example.com`,
    password: PASSWORD,
    invitation: token,
    ...(role === undefined ? { organization: 'other' } : {}),
  }
  const { status, text } = await ask('/api/sign-up', { body: account })
  if (status !== 201) throw new Error(text)
  const { email, password } = account
  return cookieOf(await ask('/api/sign-in', { body: { email, password } }))
}

/** Commands are broken between their words only, each of which is an element. */
function words(html: string): string {
  return html.replaceAll(/<\/?span>/g, '')
}

async function rollsOf({ domain }: ServedConsole): Promise<number> {
  const rows = await domain.store.db.selectFrom('rack_rolls').select('id').execute()
  return rows.length
}

describe('the way to a roll', () => {
  it('leads from the Racks to the Rack, its settings and the button of that name', async () => {
    const { get } = await browse(await rolledConsole(rack()))
    const racks = (await get('/')).text
    expect(racks).toContain('href="/rack/acme/live"')
    expect(racks).toMatch(/ · version \d{14}/)
    const overview = await get('/rack/acme/live')
    expect(words(overview.text)).toContain('convox switch acme/live')
    expect(overview.text).toContain('>running</span>')
    expect(overview.text).toContain(`href="${SETTINGS}"`)
    const settings = await get(SETTINGS)
    expect([overview.status, settings.status]).toEqual([200, 200])
    expect(settings.text).toMatch(/<button[^>]*>Roll API Key<\/button>/)
    expect(words(settings.text)).toContain('convox rack key roll acme/live')
    expect(settings.text).toContain('not by this Console')
  })

  it('rolls the key, and says by whom and when', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    const { get, post } = await browse(served)
    const asked = await post(`${SETTINGS}/roll`, { grace_seconds: '0', consent: 'yes' })
    expect([asked.status, asked.headers.location]).toEqual([303, SETTINGS])
    await served.until('done')
    expect(await served.takes(before)).toBe(false)
    expect(await served.takes(served.held())).toBe(true)
    const { text } = await get(SETTINGS)
    expect(text).toMatch(/<dt>By<\/dt><dd>ada@example\.com/)
    expect(text).toMatch(/<dt>Generation<\/dt><dd>\d+ /)
    expect(text).not.toContain(served.held().reveal())
  })
})

describe('a form that is refused', () => {
  it.each([
    [{ grace_seconds: '0' }, 'consent'],
    [{ consent: 'yes' }, 'grace_seconds'],
    [{ consent: 'yes', grace_seconds: '-1' }, 'grace_seconds'],
    [{ consent: 'yes', grace_seconds: '1.5' }, 'grace_seconds'],
    [{ consent: 'yes', grace_seconds: '1e300' }, 'grace_seconds'],
    [{ consent: 'yes', grace_seconds: '"><script>' }, 'grace_seconds'],
  ])('%j comes back with the error at its field, and nothing is rolled', async (fields, at) => {
    const served = await rolledConsole(rack())
    const { post } = await browse(served)
    const { status, text } = await post(`${SETTINGS}/roll`, fields as Record<string, string>)
    expect(status).toBe(422)
    expect(text).toContain(`id="${at}-error"`)
    expect(text).not.toContain('"><script>')
    expect(await rollsOf(served)).toBe(0)
  })

  it('finish and cancel of nothing, and a schedule of no use, say why', async () => {
    const { get, post } = await browse(await rolledConsole(rack()))
    for (const path of ['finish', 'cancel']) {
      const answer = await post(`${SETTINGS}/${path}`)
      expect([answer.status, answer.text]).toEqual([
        409,
        expect.stringContaining('No roll of this key is under way'),
      ])
      expect(answer.text).toContain('the key in force stays as it is')
    }
    for (const every of ['59', '-1', 'x', '']) {
      const fields = { every_seconds: every }
      expect((await post(`${SETTINGS}/schedule`, fields)).status).toBe(422)
    }
    const again = await get(`${SETTINGS}/cancel`)
    expect([again.status, again.headers.location]).toEqual([303, SETTINGS])
  })

  it('because the Rack is down says that the key in force stays', async () => {
    const served = await consoleAndRack()
    letRoll(served.rack, '20230627153132')
    await served.add()
    served.rack.handler = (_, response) => void response.writeHead(503).end()
    const { post } = await browse(served)
    const fields = { grace_seconds: '0', consent: 'yes' }
    const { status, text } = await post(`${SETTINGS}/roll`, fields)
    expect(status).toBeGreaterThanOrEqual(500)
    expect(text).toContain('the key in force stays as it is')
    expect(await rollsOf(served)).toBe(0)
  })

  it.each([{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'same-site' }, {}])(
    'when it comes from another site (%j)',
    async (headers) => {
      const served = await rolledConsole(rack())
      const cookie = await signInFounder(served.ask)
      const body = form({ grace_seconds: '0', consent: 'yes', every_seconds: '2592000' })
      for (const path of ['roll', 'finish', 'cancel', 'schedule']) {
        const answer = await served.ask(`${SETTINGS}/${path}`, { body, cookie, headers })
        expect([path, answer.status]).toEqual([path, 403])
      }
      expect(await rollsOf(served)).toBe(0)
    },
  )
})

describe('rights', () => {
  it.each(['operator', 'developer', 'viewer'])('a %s is told why not', async (role) => {
    const served = await rolledConsole(rack())
    const { get, post } = await browse(served, await joined(served, role))
    // The Rack of these tests is on this machine; the other reason is tested below.
    const settings = await get(SETTINGS)
    expect(settings.status).toBe(200)
    expect(settings.text).toContain('Only administrators of acme roll the keys of its Racks')
    expect(settings.text).not.toContain('<button type="submit" name=')
    expect(settings.text).not.toContain('Roll API Key')
    for (const path of ['roll', 'finish', 'cancel', 'schedule']) {
      const fields = { grace_seconds: '0', consent: 'yes', every_seconds: 'off' }
      expect((await post(`${SETTINGS}/${path}`, fields)).status).toBe(403)
    }
    expect(await rollsOf(served)).toBe(0)
  })

  it('a Rack on this machine is for server administrators, whatever the role', async () => {
    const served = await rolledConsole(rack())
    const { get, post } = await browse(served, await joined(served, 'administrator'))
    expect((await get(SETTINGS)).text).toContain('for the server administrator only')
    const asked = await post(`${SETTINGS}/roll`, { grace_seconds: '0', consent: 'yes' })
    expect(asked.status).toBe(403)
    expect(await rollsOf(served)).toBe(0)
  })

  it('others find no such page, and without a session the way leads to the door', async () => {
    const served = await rolledConsole(rack())
    const { get, post } = await browse(served, await joined(served))
    for (const path of ['/rack/acme/live', SETTINGS, '/rack/acme/none', '/rack/a%22/live']) {
      expect([path, (await get(path)).status]).toEqual([path, 404])
    }
    expect((await post(`${SETTINGS}/roll`, { consent: 'yes' })).status).toBe(404)
    const stranger = await served.ask(SETTINGS, { headers: HTML })
    expect([stranger.status, stranger.headers.location]).toEqual([
      303,
      `/sign-in?to=${encodeURIComponent(SETTINGS)}`,
    ])
  })
})

describe('a roll that is under way', () => {
  /** Written, and driven by nobody yet: it stands before its first act. */
  async function standing(served: RolledConsole): Promise<void> {
    const { domain, account } = served
    const actor = domain.directory.accountById(account.id)
    const entry = actor && domain.directory.racksOf(actor).find(({ name }) => name === 'live')
    if (entry === undefined) throw new TypeError('the Rack is gone')
    const parts = { guard: createAddressGuard([]), keysInFlight: new KeysInFlight() }
    const still = { ...domain, ...parts, replicas: ONLY_CONSOLE, point: NO_POINT }
    const startedBy = { id: account.id, name: 'ada@example.com' }
    await startRoll(still, entry, { graceMs: 0, startedBy }, REQUEST)
  }

  it('names its states, and is cancelled by the button: the old key stays', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    await standing(served)
    const { get, post } = await browse(served)
    const { text } = await get(SETTINGS)
    const named = [...text.matchAll(/<strong>(\w+)<\/strong>/g)].map(([, state]) => state)
    expect(named).toEqual([
      ...['staging', 'verifying', 'committing', 'draining', 'retiring', 'proving', 'done'],
    ])
    expect(text).toMatch(/<li class="now" aria-current="step"><span><strong>staging/)
    expect(text).toContain('Look again')
    expect(text).not.toContain('Roll API Key')
    expect((await post(`${SETTINGS}/cancel`)).status).toBe(303)
    await served.until('cancelled')
    expect((await get(SETTINGS)).text).toContain('The old key stays in force')
    expect(served.held().reveal()).toBe(before.reveal())
    expect(await served.takes(before)).toBe(true)
  })

  it('that failed leaves no doubt about the old key, and can be asked for again', async () => {
    const served = await rolledConsole(rack())
    await standing(served)
    const failed = { state: 'failed', failure: 'the Rack said no', open_rack_id: null } as const
    await served.domain.store.transaction((tx) =>
      tx.updateTable('rack_rolls').set(failed).execute(),
    )
    const { get } = await browse(served)
    const { text } = await get(SETTINGS)
    expect(text).toContain('The last roll failed.')
    expect(text).toContain('The Rack said no.')
    expect(text).toContain('The old key stays in force')
    expect(text).toContain('Roll API Key')
  })

  it('in its grace shows who uses the old key, and is not finished over their heads', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    const { get, post } = await browse(served)
    await post(`${SETTINGS}/roll`, { grace_seconds: '900', consent: 'yes' })
    await eventually('a grace', async () =>
      (await get(SETTINGS)).text.includes('Nobody has used the old key'),
    )
    expect(await served.takes(before)).toBe(true)
    expect((await get(SETTINGS)).text).toContain('Who still uses the old key')
    const refused = await post(`${SETTINGS}/finish`)
    expect(refused.status).toBe(409)
    expect(refused.text).toContain('The old key is still used')
    expect(refused.text).toContain('name="force"')
    expect(await served.takes(before)).toBe(true)
    expect((await post(`${SETTINGS}/finish`, { force: 'on' })).status).toBe(303)
    await served.until('done')
    expect(await served.takes(before)).toBe(false)
  })
})

describe('a form that is older than what is going on', () => {
  const seenIn = (text: string) => /name="seen" value="([^"]+)"/.exec(text)?.[1] ?? ''

  it('sent twice, rolls once: the grace of the first is not ended by the second', async () => {
    const served = await rolledConsole(rack())
    const before = served.held()
    const { get, post } = await browse(served)
    const fields = {
      grace_seconds: '900',
      consent: 'yes',
      seen: seenIn((await get(SETTINGS)).text),
    }
    expect((await post(`${SETTINGS}/roll`, fields)).status).toBe(303)
    await eventually('a grace', async () =>
      (await get(SETTINGS)).text.includes('Nobody has used the old key'),
    )
    const again = await post(`${SETTINGS}/roll`, fields)
    expect(again.status).toBe(409)
    expect(again.text).toContain('since this page was loaded')
    expect(again.text).toContain('Finish now')
    expect(await rollsOf(served)).toBe(1)
    expect(await served.takes(before)).toBe(true)
    const seen = seenIn((await get(SETTINGS)).text)
    expect((await post(`${SETTINGS}/finish`, { force: 'on', seen })).status).toBe(303)
    await served.until('done')
    // What was shown of that roll says nothing of the next one.
    expect((await get(SETTINGS)).text).toContain('the old key is refused')
    const next = { ...fields, seen: seenIn((await get(SETTINGS)).text) }
    expect((await post(`${SETTINGS}/roll`, next)).status).toBe(303)
    for (const path of ['cancel', 'finish']) {
      const stale = await post(`${SETTINGS}/${path}`, { force: 'on', seen })
      expect([path, stale.status]).toEqual([path, 409])
    }
    await eventually('a second grace', async () =>
      (await get(SETTINGS)).text.includes('Both keys work until'),
    )
    expect((await post(`${SETTINGS}/finish`, { force: 'on' })).status).toBe(303)
    await served.until('done')
  })
})

describe('a schedule', () => {
  it('is set and turned off', async () => {
    const { get, post } = await browse(await rolledConsole(rack()))
    expect((await get(SETTINGS)).text).toContain('Roll every 30 days')
    expect((await post(`${SETTINGS}/schedule`, { every_seconds: '2592000' })).status).toBe(303)
    expect((await get(SETTINGS)).text).toContain('rolls the key by itself every 30 days')
    expect((await post(`${SETTINGS}/schedule`, { every_seconds: 'off' })).status).toBe(303)
    expect((await get(SETTINGS)).text).toContain('Roll every 30 days')
  })
})

describe('an official Rack', () => {
  async function settingsOf(version: string): Promise<string> {
    const served = await consoleAndRack()
    letRoll(served.rack, version)
    expect((await served.add()).status).toBe(201)
    return (await (await browse(served)).get(SETTINGS)).text
  }

  it('of generation 2 has no grace, and what a roll breaks is said first', async () => {
    const text = await settingsOf('20230627153132')
    expect(text).not.toContain('<select')
    expect(text).toContain('may be unavailable for some minutes')
    expect(text).toContain('Roll API Key')
  })

  it('of generation 3 says why its key cannot be rolled, without a form', async () => {
    const text = await settingsOf('3.18.1')
    expect(text).toContain('generation 3 has no way to change its key')
    expect(text).toContain('convox rack key set')
    expect(text).not.toContain('<form class="roll"')
    expect(text).not.toContain('Roll every')
  })
})
