import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashApiKey, mintApiKey } from '@keyrack/secrets'
import { expect, it, onTestFinished } from 'vitest'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { eventually } from '../testing/eventually.ts'
import { rackKeyRoutes } from './rack-key-routes.ts'
import { type RolledConsole, rolledConsole } from './testing/rolled-console.ts'
import { runRack } from './testing/running-rack.ts'

async function ownRack() {
  const folder = mkdtempSync(join(tmpdir(), 'keyrack-reconcile-'))
  const rack = await runRack(join(folder, 'rack'))
  onTestFinished(async () => {
    await rack.kill('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  })
  return { folder, rack }
}

function system({ ask, key }: RolledConsole) {
  return ask('/system', { key, headers: { rack: 'acme/live' } })
}

async function alarms({ domain }: RolledConsole): Promise<string[]> {
  const rows = await domain.store.db
    .selectFrom('audit')
    .where('action', '=', 'rack.key.surprise')
    .where('phase', '=', 'finished')
    .select('note')
    .execute()
  return rows.map(({ note }) => note ?? '')
}

it('a Rack that was restored from before a roll is reached again, with an alarm, and rolls', async () => {
  const { folder, rack } = await ownRack()
  const served = await rolledConsole(rack)
  const first = served.held()
  await rack.kill('SIGTERM')
  cpSync(join(folder, 'rack'), join(folder, 'backup'), { recursive: true })
  await rack.restart()
  await served.roll()
  await served.until('done')
  expect(await served.takes(first)).toBe(false)

  await rack.kill('SIGTERM')
  rmSync(join(folder, 'rack'), { recursive: true })
  cpSync(join(folder, 'backup'), join(folder, 'rack'), { recursive: true })
  await rack.restart()
  expect((await system(served)).status).toBe(502)
  await eventually('the Rack to be reached', async () => (await system(served)).status === 200)
  expect(served.held().reveal()).toBe(first.reveal())
  expect(await alarms(served)).toEqual([expect.stringContaining('roll it')])
  await served.roll()
  await served.until('done')
  expect(await served.takes(first)).toBe(false)
}, 120_000)

it('a key that somebody else rolled at the Rack raises an alarm by its generation, once', async () => {
  const { rack } = await ownRack()
  const served = await rolledConsole(rack)
  await served.roll()
  await served.until('done')
  expect((await system(served)).status).toBe(200)
  // Whoever has the key can roll it without its Console, and leave it in its grace.
  const guard = createAddressGuard([])
  const place = { url: rack.url, pin: rack.fingerprint, local: true }
  const [old, next] = [served.held(), mintApiKey('rack')]
  const staging = { roll: 'foreign-roll-1', hash: hashApiKey(next), copy: '' }
  await rackKeyRoutes(guard, place, old).stage(staging)
  await rackKeyRoutes(guard, place, next).retire({
    roll: staging.roll,
    keep: staging.hash,
    drop: hashApiKey(old),
    notAfter: Date.now() + 3_600_000,
  })
  for (let turn = 0; turn < 3; turn += 1) expect((await system(served)).status).toBe(200)
  await eventually('the alarm', async () => (await alarms(served)).length > 0)
  expect(await alarms(served)).toEqual([expect.stringContaining('generation 3')])
  expect(served.domain.lines.join('')).toContain('was changed by others')
}, 120_000)
