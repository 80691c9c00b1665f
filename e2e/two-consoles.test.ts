import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asSuperuser, HAS_POSTGRES, newPostgresDatabase } from '@keyrack/server/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { processesOf } from './processes.ts'
import {
  basic,
  eventually,
  launcher,
  PASSWORD,
  type StartedConsole,
  signUp,
  startConsole,
} from './started-console.ts'

/** What design 4 allows: the lease, from before the question to after the use of its answer. */
const BOUND_MS = 1_000
/** The server trusts loopback, so any password is right; it shows where one would turn up. */
const PASSWORD_IN_URL = 'pw-in-the-database-url'

interface Pair {
  url: string
  first: StartedConsole
  second: StartedConsole
}

/** Two Consoles as an operator runs them: a key made once, an address in a file, a folder each. */
async function startPair(): Promise<Pair> {
  const url = new URL(await newPostgresDatabase())
  url.password = PASSWORD_IN_URL
  const shared = mkdtempSync(join(tmpdir(), 'keyrack-e2e-shared-'))
  onTestFinished(() => rmSync(shared, { recursive: true, force: true }))
  const keyDir = join(shared, 'keys')
  const environment = { PATH: process.env.PATH ?? '', KEY_DIR: keyDir }
  const said = execFileSync(process.execPath, [launcher, 'keys', 'create'], {
    env: environment,
    encoding: 'utf8',
  })
  const file = readdirSync(keyDir).find((name) => name.endsWith('.key')) ?? 'no key'
  expect(said).toContain(file.replace('.key', ''))
  const urlFile = join(shared, 'database-url')
  writeFileSync(urlFile, `${url.href}\n`, { mode: 0o600 })
  // Both at once, on a database that is still empty.
  const [first, second] = await Promise.all([
    startConsole({ KEY_DIR: keyDir, DATABASE_URL: url.href }),
    startConsole({ KEY_DIR: keyDir, DATABASE_URL_FILE: urlFile }),
  ])
  onTestFinished(async () => {
    for (const server of [first, second]) {
      await server.remove()
      expect(server.output()).not.toContain(PASSWORD_IN_URL)
    }
  })
  return { url: url.href, first, second }
}

async function statusOf(server: StartedConsole, key: string, path = '/auth'): Promise<number> {
  const answer = await fetch(`${server.web}${path}`, { headers: { Authorization: basic(key) } })
  await answer.arrayBuffer()
  return answer.status
}

async function renew(server: StartedConsole, key: string): Promise<string> {
  const answer = await fetch(`${server.web}/api/account/api-key`, {
    method: 'POST',
    headers: { Authorization: basic(key), 'Content-Type': 'application/json' },
    body: '{}',
  })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { api_key: string }).api_key
}

const answering = (server: StartedConsole, key: string, status: number) =>
  eventually(`an answer with ${status}`, async () =>
    (await statusOf(server, key)) === status ? status : undefined,
  )

const nameOf = (url: string) => new URL(url).pathname.slice(1)
const deafen = (url: string) =>
  asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = '${nameOf(url)}' and application_name = 'keyrack listen'`)

describe.runIf(HAS_POSTGRES)('two Consoles on one database', () => {
  it('start together, take each other’s keys at their first use, and run no local Rack', async () => {
    const { first, second } = await startPair()
    const ann = await signUp(first, { email: 'ann@example.com', organization: 'acme' })
    expect(await statusOf(second, ann.apiKey)).toBe(200)
    const next = await renew(second, ann.apiKey)
    expect(await statusOf(first, next)).toBe(200)
    for (const server of [first, second]) {
      expect(server.output()).toContain('no local Rack')
      expect(await processesOf(server.folder)).toHaveLength(1)
    }
  })

  it('refuse everywhere, after one second, a key that was replaced on one, heard or unheard', async () => {
    const { url, first, second } = await startPair()
    let key = (await signUp(first, { email: 'ann@example.com', organization: 'acme' })).apiKey
    for (const announcements of ['heard', 'lost']) {
      const old = key
      expect(await statusOf(second, old)).toBe(200)
      let deafening = announcements === 'lost'
      const deaf = (async () => {
        while (deafening) await deafen(url)
      })()
      if (deafening) await deafen(url)
      key = await renew(first, old)
      const answeredAt = performance.now()
      const accepted: number[] = []
      // Asked for as long as it takes to be sure, then once more after the bound.
      let sentAt = 0
      do {
        sentAt = performance.now() - answeredAt
        if ((await statusOf(second, old)) === 200) accepted.push(sentAt)
      } while (sentAt <= BOUND_MS)
      expect(accepted.filter((ms) => ms > BOUND_MS)).toEqual([])
      expect(await statusOf(second, old)).toBe(401)
      expect(await statusOf(second, key)).toBe(200)
      deafening = false
      await deaf
    }
  })

  it('go on when one is killed: what it acknowledged is kept, and it comes back as it was', async () => {
    const { first, second } = await startPair()
    const ann = await signUp(first, { email: 'ann@example.com', organization: 'acme' })
    const keys = [ann.apiKey]
    const renewing = (async () => {
      for (;;) keys.push(await renew(first, keys.at(-1) ?? ''))
    })()
    renewing.catch(() => undefined)
    await eventually('a few keys', () => (keys.length > 3 ? keys : undefined))
    first.child.kill('SIGKILL')
    await expect(renewing).rejects.toThrow('fetch failed')
    // The one that was being made when it died may have replaced the last one; older ones are gone.
    const [last = '', ...older] = [...keys].reverse()
    for (const old of older) expect(await statusOf(second, old)).toBe(401)
    const signedIn = await fetch(`${second.web}/api/sign-in`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ email: 'ann@example.com', password: PASSWORD }),
    })
    expect(signedIn.status).toBe(200)
    const cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
    const renewed = await fetch(`${second.web}/api/account/api-key`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Cookie: cookie },
      body: '{}',
    })
    expect(renewed.status).toBe(201)
    const { api_key: fresh } = (await renewed.json()) as { api_key: string }
    expect(await statusOf(second, last)).toBe(401)
    const again = await first.restart()
    expect(await statusOf(again, fresh)).toBe(200)
    expect(await statusOf(again, last)).toBe(401)
    await again.stop()
  })

  it('answer 503 and stay alive while the database is away, and serve when it is back', async () => {
    const { url, first } = await startPair()
    const ann = await signUp(first, { email: 'ann@example.com', organization: 'acme' })
    await asSuperuser(`alter database ${nameOf(url)} allow_connections false`)
    await asSuperuser(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = '${nameOf(url)}'`)
    await answering(first, ann.apiKey, 503)
    expect(await statusOf(first, ann.apiKey, '/livez')).toBe(200)
    expect(await statusOf(first, ann.apiKey, '/readyz')).toBe(503)
    await asSuperuser(`alter database ${nameOf(url)} allow_connections true`)
    await answering(first, ann.apiKey, 200)
  })
})
