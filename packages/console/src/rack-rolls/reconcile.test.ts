import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { hashApiKey, mintApiKey, type Secret } from '@keyrack/secrets'
import { createLogger } from '@keyrack/server'
import { expect, it, onTestFinished } from 'vitest'
import { type Closing, openContext } from '../open-context.ts'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { REQUEST, testConfig } from '../testing/console-domain.ts'
import { eventually } from '../testing/eventually.ts'
import { backUp } from '../vault/back-up.ts'
import { reconcile } from '../vault/reconcile.ts'
import { restore } from '../vault/restore.ts'
import type { Point } from './point.ts'
import { rackKeyRoutes } from './rack-key-routes.ts'
import { findLastRoll, findRoll } from './roll-rows.ts'
import { prepareRolledData } from './testing/prepare-rolled-data.ts'
import { type RolledConsole, rolledConsole } from './testing/rolled-console.ts'
import { type RunningRack, runRack } from './testing/running-rack.ts'
import { tryKey } from './try-key.ts'

const NAME = { organization: 'acme', name: 'live' }

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

it('a Console that was restored from before a roll gets the key back from the Rack, by its signature', async () => {
  const { folder, rack } = await ownRack()
  const data = join(folder, 'data')
  await prepareRolledData(data, rack)
  cpSync(data, join(folder, 'older'), { recursive: true })
  const first = await reopened(data)
  for (let turn = 0; turn < 5; turn += 1) await rollOnce(first)
  const rolled = first.held().reveal()
  await first.close()

  const restored = await reopened(join(folder, 'older'))
  expect(restored.held().reveal()).not.toBe(rolled)
  restored.context.rolls.refused(restored.rack().id)
  await eventually('the key', () => restored.held().reveal() === rolled, 60_000)
  expect(restored.rack().keyVersion).toBeGreaterThanOrEqual(6)
  await rollOnce(restored)
  await restored.close()
}, 180_000)

it.each([
  ['a roll whose both keys were rolled away since', 3_600_000, 0],
  ['a roll whose new key is in the grace of the next one', 3_600_000, 3_600_000],
  ['a roll that had only begun', 0, 0],
])(
  'a Console that was restored to the middle of %s gets in again',
  async (_, graceMs, nextGraceMs) => {
    const { folder, rack } = await ownRack()
    const data = join(folder, 'data')
    await prepareRolledData(data, rack)
    let held = graceMs === 0
    const first = await reopened(data, (name) => {
      if (held && name === 'before write verifying') throw new Error('held')
    })
    const { rolls } = first.context
    const { roll } = await rolls.roll(first.actor(), NAME, graceMs, REQUEST)
    await eventually('the middle of the roll', async () => {
      const now = await findLastRoll(first.context.store.db, first.rack().id)
      return graceMs === 0 ? now?.state === 'staged' : now?.waiting?.startsWith('both keys')
    })
    await backUp(testConfig(data), join(folder, 'backup'))
    held = false
    if (graceMs > 0) await rolls.finish(first.actor(), NAME, true)
    await eventually('its end', async () => {
      return (await findRoll(first.context.store.db, roll.id))?.state === 'done'
    })
    const next = await rolls.roll(first.actor(), NAME, nextGraceMs, REQUEST)
    await eventually('the next roll', async () => {
      const now = await findRoll(first.context.store.db, next.roll.id)
      return now?.state === 'done' || now?.waiting?.startsWith('both keys')
    })
    const rolled = first.held().reveal()
    await first.close()

    await restoreConsole(data, join(folder, 'backup'))
    const restored = await reopened(data)
    await eventually('the Console to get in', async () => {
      return (await reconcile(restored.context, false, REQUEST)).paused === null
    })
    expect(restored.held().reveal()).toBe(rolled)
    await rollOnce(restored)
  },
  180_000,
)

/** Puts the Rack's data back as they were when this was called. */
async function backUpRack(folder: string, rack: RunningRack): Promise<() => Promise<void>> {
  const [data, copy] = [join(folder, 'rack'), join(folder, 'copy of the rack')]
  await rack.kill('SIGTERM')
  cpSync(data, copy, { recursive: true })
  await rack.restart()
  return async () => {
    await rack.kill('SIGTERM')
    rmSync(data, { recursive: true })
    cpSync(copy, data, { recursive: true })
    await rack.restart()
  }
}

async function takes({ rack }: Awaited<ReturnType<typeof reopened>>, key: Secret) {
  return (await tryKey(createAddressGuard([]), rack(), key)) === 'accepted'
}

it('a Rack that was restored during a grace, from before it, is told of the new key again', async () => {
  const { folder, rack } = await ownRack()
  const data = join(folder, 'data')
  await prepareRolledData(data, rack)
  const restoreRack = await backUpRack(folder, rack)
  const first = await reopened(data)
  await first.context.rolls.roll(first.actor(), NAME, 3_600_000, REQUEST)
  await eventually('the grace', async () => {
    return (await findLastRoll(first.context.store.db, first.rack().id))?.waiting?.startsWith(
      'both',
    )
  })
  await first.close()
  await restoreRack()
  // The next look at the roll, which comes within half a minute, or now.
  const again = await reopened(data)
  await eventually('the new key', () => takes(again, again.held()))
  expect(await takes(again, rack.key)).toBe(true)
  await again.context.rolls.finish(again.actor(), NAME, true)
  await eventually('the end of the old key', async () => !(await takes(again, rack.key)))
}, 120_000)

it.each([
  ['staged', 0],
  ['draining', 3_600_000],
] as const)(
  'a Rack that was restored to the middle of a roll that has ended rolls again: %s',
  async (state, graceMs) => {
    const { folder, rack } = await ownRack()
    const data = join(folder, 'data')
    await prepareRolledData(data, rack)
    let held = true
    const served = await reopened(data, (name) => {
      if (held && state === 'staged' && name === 'before write verifying') throw new Error('held')
    })
    const { rolls, store } = served.context
    const { roll } = await rolls.roll(served.actor(), NAME, graceMs, REQUEST)
    await eventually('the middle of the roll', async () => {
      const now = await findRoll(store.db, roll.id)
      return now?.state === state && (graceMs === 0 || now.waiting?.startsWith('both keys'))
    })
    const restoreRack = await backUpRack(folder, rack)
    held = false
    if (graceMs > 0) await rolls.finish(served.actor(), NAME, true)
    await eventually('its end', async () => (await findRoll(store.db, roll.id))?.state === 'done')
    const second = served.held()
    await restoreRack()
    expect([await takes(served, rack.key), await takes(served, second)]).toEqual([true, true])
    await rollOnce(served)
    expect([await takes(served, rack.key), await takes(served, second)]).toEqual([false, false])
    expect(await takes(served, served.held())).toBe(true)
  },
  120_000,
)

it('a Console that was restored from before a grace that runs gets the newer key, and rolls it', async () => {
  const { folder, rack } = await ownRack()
  const data = join(folder, 'data')
  await prepareRolledData(data, rack)
  await backUp(testConfig(data), join(folder, 'backup'))
  const first = await reopened(data)
  await first.context.rolls.roll(first.actor(), NAME, 3_600_000, REQUEST)
  await eventually('the grace', async () => {
    return (await findLastRoll(first.context.store.db, first.rack().id))?.waiting?.startsWith(
      'both',
    )
  })
  const newer = first.held()
  await first.close()
  await restoreConsole(data, join(folder, 'backup'))
  const restored = await reopened(data)
  expect(restored.held().reveal()).toBe(rack.key.reveal())
  await rollOnce(restored)
  expect([await takes(restored, rack.key), await takes(restored, newer)]).toEqual([false, false])
  expect(await takes(restored, restored.held())).toBe(true)
}, 120_000)

async function restoreConsole(data: string, file: string): Promise<void> {
  const closing: Closing = []
  const log = createLogger({ name: 'test', level: 'silent' })
  await restore(testConfig(data), log, closing, { file, force: true }, REQUEST)
  for (const step of closing.reverse()) await step()
}

/** A Console on that data, without a listener. */
async function reopened(data: string, point?: Point) {
  const closing: Closing = []
  const log = createLogger({ name: 'test', level: 'silent' })
  const context = await openContext(testConfig(data), log, closing, point)
  await context.rolls.start()
  const { id } = await context.store.db
    .selectFrom('accounts')
    .select('id')
    .executeTakeFirstOrThrow()
  const actor = () => context.directory.accountById(id) ?? gone()
  const entry = () => context.directory.racksOf(actor())[0] ?? gone()
  const close = async (): Promise<void> => {
    await context.rolls.stop()
    for (const step of closing.splice(0).reverse()) await step()
  }
  onTestFinished(close)
  return {
    context,
    actor,
    rack: entry,
    held: () => openRackKey(context.keyring, entry()),
    close,
  }
}

async function rollOnce({ context, actor }: Awaited<ReturnType<typeof reopened>>): Promise<void> {
  await context.rolls.roll(actor(), NAME, 0, REQUEST)
  await eventually(
    'the end of the roll',
    async () => (await context.rolls.report(actor(), NAME)).roll?.state === 'done',
    60_000,
  )
}

function gone(): never {
  throw new TypeError('it is gone')
}
