import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { messageMac, Secret } from '@keyrack/secrets'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { testConfig } from '../testing/console-domain.ts'
import { eventually } from '../testing/eventually.ts'
import { changeRack } from '../vault/testing/change-rack.ts'
import { KeysInFlight } from './keys-in-flight.ts'
import { NO_POINT } from './point.ts'
import { ONLY_CONSOLE } from './replicas.ts'
import type { RollDomain } from './roll-domain.ts'
import { RollRunner } from './roll-runner.ts'
import { Scheduler } from './scheduler.ts'
import { rolledConsole, shareRunningRack } from './testing/rolled-console.ts'
import { createWebhook } from './webhook.ts'

const rack = shareRunningRack()
const DAY = 24 * 60 * 60_000
const SECRET = Secret.of('a secret of thirty-two characters')

/** Somebody's program that is told, and takes the first message only when it comes the second time. */
async function listener() {
  const heard: Array<{ body: string; timestamp: string; signature: string }> = []
  let refusals = 1
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    if (refusals > 0) {
      refusals -= 1
      response.writeHead(503).end()
      return
    }
    const text = (name: string): string => String(request.headers[name] ?? '')
    heard.push({
      body,
      timestamp: text('keyrack-timestamp'),
      signature: text('keyrack-signature'),
    })
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { heard, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook` }
}

async function scheduled() {
  const served = await rolledConsole(rack())
  const { heard, url } = await listener()
  const time = { now: Date.now() }
  const clock = () => time.now
  const domain: RollDomain = {
    ...served.domain,
    clock,
    guard: createAddressGuard([]),
    keysInFlight: new KeysInFlight(),
    replicas: ONLY_CONSOLE,
    point: NO_POINT,
  }
  const runner = new RollRunner(domain, () => undefined)
  const { log } = domain
  const settings = { url, secret: SECRET }
  const webhook = createWebhook({ settings, log, clock, firstWaitMs: 10 })
  const scheduler = new Scheduler({ domain, webhook, wake: (id) => runner.wake(id) })
  onTestFinished(() => runner.stop())
  const schedule = (every_seconds: number | null) =>
    served.ask(`${served.path}/schedule`, {
      ...{ key: served.key, method: 'PUT', body: { every_seconds } },
    })
  return { ...served, time, scheduler, schedule, heard }
}

describe('a schedule', () => {
  it('rolls when its time has come, once, and not before', async () => {
    const { scheduler, schedule, time, state, until, notes } = await scheduled()
    expect((await schedule(30 * 86_400)).status).toBe(204)
    time.now += 29 * DAY
    await scheduler.tick()
    expect(await state()).toBeNull()
    time.now += DAY + 60_000
    await Promise.all([scheduler.tick(), scheduler.tick()])
    const { id } = await until('done')
    await scheduler.tick()
    expect((await state()).id).toBe(id)
    expect((await notes()).filter((note) => note.startsWith('staging'))).toHaveLength(1)
    await schedule(null)
    time.now += 60 * DAY
    await scheduler.tick()
    expect((await state()).id).toBe(id)
  })

  it('that cannot be kept is on record and told, signed, to whoever listens', async () => {
    const { scheduler, schedule, time, heard, domain, held } = await scheduled()
    await schedule(86_400)
    const key = held()
    // Nothing answers there any more.
    await changeRack(domain, 'live', { url: 'https://127.0.0.1:1' })
    time.now += DAY + 600_000
    await scheduler.tick()
    const [said] = await eventually('the message', () => heard.length > 0 && heard)
    expect(said?.signature).toBe(messageMac(SECRET, `${said?.timestamp}.${said?.body}`))
    expect(JSON.parse(said?.body ?? '')).toMatchObject({
      type: 'rack.key.roll.failed',
      rack: 'acme/live',
      error: expect.stringContaining('127.0.0.1:1'),
    })
    expect(said?.body).not.toContain(key.reveal())
    const rows = await domain.store.db
      .selectFrom('audit')
      .where('action', '=', 'rack.key.schedule.failed')
      .where('phase', '=', 'finished')
      .select(['outcome', 'note'])
      .execute()
    expect(rows).toEqual([{ outcome: 'failed', note: expect.stringContaining('127.0.0.1:1') }])
    // It is tried again before a day has passed, and not at once.
    await scheduler.tick()
    time.now += DAY / 24 + 1
    await scheduler.tick()
    await eventually('the second message', () => heard.length === 2)
  })
})

describe('the settings of the webhook', () => {
  const problem = (env: Record<string, string>): string => {
    try {
      testConfig('data', env)
      return ''
    } catch (error) {
      return String(error)
    }
  }
  const WEBHOOK_SECRET = SECRET.reveal()

  it.each([
    [{ WEBHOOK_URL: 'https://hooks.example.com/x' }, 'belong together'],
    [{ WEBHOOK_SECRET }, 'belong together'],
    [{ WEBHOOK_URL: 'http://hooks.example.com', WEBHOOK_SECRET }, 'https address'],
    [{ WEBHOOK_URL: 'http://127.0.0.1.example.com', WEBHOOK_SECRET }, 'https address'],
    [{ WEBHOOK_URL: 'https://a:b@hooks.example.com', WEBHOOK_SECRET }, 'without a password'],
    [{ WEBHOOK_URL: 'file:///etc/passwd', WEBHOOK_SECRET }, 'https address'],
    [{ WEBHOOK_URL: 'https://hooks.example.com', WEBHOOK_SECRET: 'short' }, 'at least 32'],
  ])('%j are refused', (env, reason) => {
    expect(problem(env)).toContain(reason)
    expect(problem(env)).not.toContain(WEBHOOK_SECRET)
  })

  it('are taken for https, and for this machine', () => {
    expect(problem({ WEBHOOK_URL: 'https://hooks.example.com/x', WEBHOOK_SECRET })).toBe('')
    expect(problem({ WEBHOOK_URL: 'http://127.0.0.1:9/x', WEBHOOK_SECRET })).toBe('')
  })
})
