/** Real programs whose clock is set while they run, by years, forward and back. */

import { once } from 'node:events'
import { renameSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@keyrack/protocol/client'
import { Secret } from '@keyrack/secrets'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finish, startConvox } from '../convox.ts'
import { basic, eventually, PASSWORD } from '../started-console.ts'
import { type StartedRack, startRack } from '../started-rack.ts'
import { startWorld, type World } from './started-world.ts'

const PRELOADED = fileURLToPath(new URL('../dist/faults/shifted-clock.js', import.meta.url))
const DAY_MS = 86_400_000

let folder: string
let environment: Record<string, string>
let world: World
let rack: StartedRack

function setClock(days: number): void {
  const file = join(folder, 'clock')
  writeFileSync(`${file}.new`, String(days * DAY_MS))
  renameSync(`${file}.new`, file)
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'keyrack-clock-'))
  const clock = { NODE_OPTIONS: `--import ${PRELOADED}`, CLOCK_FILE: join(folder, 'clock') }
  environment = clock
  setClock(0)
  ;[world, rack] = await Promise.all([startWorld(clock), startRack(clock)])
})
afterAll(async () => {
  await Promise.all([world.remove(), rack.remove()])
  await rm(folder, { recursive: true, force: true })
})

const JSON_TYPE = { 'Content-Type': 'application/json' }

async function signIn(): Promise<string> {
  const answer = await fetch(`${world.server.web}/api/sign-in`, {
    method: 'POST',
    headers: JSON_TYPE,
    body: JSON.stringify({ email: 'ann@example.com', password: PASSWORD }),
  })
  expect(answer.status).toBe(200)
  return (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''
}

const bySession = async (Cookie: string): Promise<number> =>
  (await fetch(`${world.server.web}/api/account`, { headers: { Cookie } })).status

async function createDeployKey(name: string): Promise<string> {
  const path = '/api/organizations/acme/deploy-keys'
  const body = JSON.stringify({ name })
  const answer = await world.ask(path, { method: 'POST', headers: JSON_TYPE, body })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { key: string }).key
}

const byDeployKey = async (key: string): Promise<number> =>
  (await fetch(`${world.server.web}/racks`, { headers: { Authorization: basic(key) } })).status

describe('the clock of a Console that is set', () => {
  it('forward and back ends nothing that is under way', async () => {
    const [id = ''] = await world.running()
    const shell = world.start('instances', 'ssh', id, 'echo on; head -n 1; exit 3')
    const ended = finish(shell, { inputStaysOpen: true })
    await once(shell.stdout ?? shell, 'data')
    for (const days of [3650, -3650, 0]) {
      setClock(days)
      expect((await world.ask('/auth')).status).toBe(200)
    }
    shell.stdin?.end('still here\n')
    expect(await ended).toEqual({ status: 3, stdout: 'on\nstill here\n', stderr: '' })
  })

  it('forward ends what was to end by then, and no key of a person; back, nothing lives too long', async () => {
    const [session, deploy] = [await signIn(), await createDeployKey('ci')]
    expect([await bySession(session), await byDeployKey(deploy)]).toEqual([200, 200])

    setClock(8)
    expect([await bySession(session), await byDeployKey(deploy)]).toEqual([401, 200])
    setClock(3650)
    expect(await byDeployKey(deploy)).toBe(401)
    expect((await world.renew()).status).toBe(201)
    const ahead = await signIn()
    expect(await bySession(ahead)).toBe(200)

    setClock(-3650)
    // Made in what is the future now: it would outlive its limits.
    expect(await bySession(ahead)).toBe(401)
    expect((await world.ask('/auth')).status).toBe(200)
    expect((await world.renew()).status).toBe(201)
    expect((await world.logIn()).status).toBe(0)
    expect(await bySession(await signIn())).toBe(200)
    expect(
      (await world.run('instances', 'terminate', (await world.running())[1] ?? '')).status,
    ).toBe(0)

    await world.running()
  })

  it('in the past or far ahead while it starts: everything acknowledged is there', async () => {
    for (const days of [-3650, 4000]) {
      await world.server.stop()
      setClock(days)
      world.server = await world.server.restart()
      expect((await world.ask('/auth')).status).toBe(200)
      expect((await world.renew()).status).toBe(201)
    }
    // Its certificate ends before that day: it has made another one, for the same key.
    expect((await world.logIn()).status).toBe(0)
  })
})

describe('the clock of a Rack that is set', () => {
  it('forward and back, also at its start, changes neither instances nor keys, and its log goes on', async () => {
    const client = (pin: string) =>
      createClient({
        url: `https://${rack.host}`,
        pin,
        password: Secret.of(rack.key),
        version: 'test',
      })
    const ids = async () =>
      JSON.parse((await client(rack.fingerprint).request('GET', '/instances')).body)
        .map((instance: { id: string }) => instance.id)
        .sort()
    setClock(0)
    const before = await ids()
    const log = await client(rack.fingerprint).stream('/system/logs', { Follow: 'true' })
    log.on('error', () => {})
    let shown = ''
    log.on('data', (chunk) => (shown += chunk))
    for (const [days, count] of [
      [3650, '4'],
      [-3650, '3'],
    ] as const) {
      setClock(days)
      expect(await ids()).toEqual(expect.arrayContaining(before))
      const said = once(log, 'data')
      await client(rack.fingerprint).request('PUT', '/system', { form: { count } })
      await said
    }
    await eventually('the size of before', async () =>
      (await ids()).length === 3 ? true : undefined,
    )
    expect(await ids()).toEqual(before)
    log.destroy()
    expect(shown).toMatch(/3 instances before, 4 wanted now.*4 instances before, 3 wanted now/s)

    rack = await rack.restart('SIGKILL')
    setClock(0)
    expect(await ids()).toEqual(before)
  })
})

describe('the clock of a command line that is wrong', () => {
  it('by ten years, in either direction, changes nothing about what it trusts and shows', async () => {
    setClock(0)
    for (const days of [3600, -3650]) {
      writeFileSync(join(folder, 'his'), String(days * DAY_MS))
      const theirs = { ...environment, CLOCK_FILE: join(folder, 'his') }
      const assignments = Object.entries(theirs).map(([name, value]) => `${name}=${value}`)
      const ran = await finish(startConvox(world.home, ['instances'], ['env', ...assignments]))
      expect(ran).toMatchObject({ status: 0, stderr: '' })
      expect(ran.stdout.match(/^i-[0-9a-f]{12} +running /gm)).toHaveLength(3)
    }
  })
})
