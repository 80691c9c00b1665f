import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { createLogger, openStore } from '@keyrack/server'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { ConsoleContext } from '../context.ts'
import { MIGRATIONS } from '../database/migrations.ts'
import type { Database } from '../database/schema.ts'
import { type Closing, openContext } from '../open-context.ts'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { REQUEST, testConfig } from '../testing/console-domain.ts'
import { eventually } from '../testing/eventually.ts'
import type { Point } from './point.ts'
import { findLastRoll } from './roll-rows.ts'
import { prepareRolledData } from './testing/prepare-rolled-data.ts'
import { type RunningRack, runRack } from './testing/running-rack.ts'
import { tryKey } from './try-key.ts'

/** A Rack brings its instances back before it listens; on a machine with much to do that takes a while. */
const RACK_START_MS = 90_000
/** Somebody else's write that goes on: every write of ours waits, and then fails. */
async function holdWrites(file: string) {
  const other = await openStore<Database>({ file, migrations: MIGRATIONS })
  let release: () => void = () => undefined
  const until = new Promise<void>((resolve) => {
    release = resolve
  })
  let holding: () => void = () => undefined
  const holds = new Promise<void>((resolve) => {
    holding = resolve
  })
  const held = other.transaction(async (tx) => {
    await tx.deleteFrom('sign_in_failures').where('subject', '=', 'nobody').execute()
    holding()
    await until
  })
  await holds
  return {
    async release() {
      release()
      await held
      await other.close()
    },
  }
}

const NAME = { organization: 'acme', name: 'live' }
const CALLS = ['stage', 'verify', 'retire', 'prove new', 'prove old']
const CANCEL_CALLS = ['unstage', 'prove cancelled']

let folder = ''
let rack: RunningRack

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'keyrack-lost-'))
  rack = await runRack(join(folder, 'rack'))
  await prepareRolledData(join(folder, 'data'), rack)
})

afterAll(async () => {
  await rack.kill('SIGTERM')
  rmSync(folder, { recursive: true, force: true })
})

/** A Console on the data, whose rolls pass the points. */
async function open(point: Point): Promise<ConsoleContext> {
  const closing: Closing = []
  const log = createLogger({ name: 'test', level: 'silent' })
  const context = await openContext(testConfig(join(folder, 'data')), log, closing, point)
  await context.rolls.start()
  onTestFinished(async () => {
    await context.rolls.stop()
    for (const close of closing.reverse()) await close()
  })
  return context
}

async function founder({ store, directory }: ConsoleContext) {
  const { id } = await store.db.selectFrom('accounts').select('id').executeTakeFirstOrThrow()
  const account = directory.accountById(id)
  if (account === undefined) throw new TypeError('there is no founder')
  return account
}

/** Rolls, and answers the states it passed and whether the keys are as they have to be. */
async function roll(
  context: ConsoleContext,
  during?: () => Promise<unknown>,
  restarted?: () => Promise<unknown> | undefined,
) {
  const { store, directory, rolls, keyring } = context
  const actor = await founder(context)
  const entry = () => directory.racksOf(actor)[0] ?? directory.racksOf(actor)[1]
  const before = entry()
  if (before === undefined) throw new TypeError('there is no Rack')
  const old = openRackKey(keyring, before)
  await rolls.roll(actor, NAME, 0, REQUEST)
  await during?.()
  const ended = await eventually(
    'the end of the roll',
    async () => {
      const last = await findLastRoll(store.db, before.id)
      return last?.open_rack_id === null && last
    },
    RACK_START_MS,
  )
  await restarted?.()
  const guard = createAddressGuard([])
  const now = openRackKey(keyring, entry() ?? before)
  const verdicts = [await tryKey(guard, before, now), await tryKey(guard, before, old)]
  return { state: ended.state, verdicts, same: now.reveal() === old.reveal() }
}

describe('a reply that is lost', () => {
  it.each(CALLS)('of %s changes nothing about the end', async (call) => {
    let lost = 0
    const context = await open((name) => {
      if (name !== `after call ${call}` || lost > 0) return
      lost += 1
      throw new KeyrackError('rack-unreachable', 'the connection was cut')
    })
    const end = await roll(context)
    expect(end).toEqual({ state: 'done', verdicts: ['accepted', 'refused'], same: false })
    expect(lost).toBe(1)
  })

  it.each(CANCEL_CALLS)('of %s changes nothing about a cancelled roll', async (call) => {
    let lost = 0
    let held = true
    const context = await open((name) => {
      if (held && name === 'before write verifying') throw new Error('held')
      if (name !== `after call ${call}` || lost > 0) return
      lost += 1
      throw new KeyrackError('rack-unreachable', 'the connection was cut')
    })
    const end = await roll(context, async () => {
      await context.rolls.cancel(await founder(context), NAME)
      held = false
    })
    expect(end).toEqual({ state: 'cancelled', verdicts: ['accepted', 'accepted'], same: true })
    expect(lost).toBe(1)
  })
})

describe('a database that cannot be written to', () => {
  it('leaves the roll where it was, with both keys, until it can', async () => {
    let tries = 0
    let held = true
    const context = await open((name) => {
      if (name !== 'before write verifying') return
      if (held) throw new Error('held')
      tries += 1
    })
    const { store, directory, rolls } = context
    const actor = await founder(context)
    const rackId = directory.racksOf(actor).find(({ name }) => name === 'live')?.id ?? ''
    await rolls.roll(actor, NAME, 0, REQUEST)
    await eventually('the staged key', async () => {
      return (await findLastRoll(store.db, rackId))?.state === 'staged'
    })
    const { release } = await holdWrites(join(folder, 'data', 'console', 'db'))
    held = false
    await eventually('a write that failed', () => tries > 1, RACK_START_MS)
    expect((await findLastRoll(store.db, rackId))?.state).toBe('staged')
    await release()
    await eventually('the end', async () => {
      return (await findLastRoll(store.db, rackId))?.state === 'done'
    })
  })
})

describe('a Rack that is killed', () => {
  it.each(CALLS)('when it is to be asked: %s; the roll ends when it is back', async (call) => {
    let restarting: Promise<void> | undefined
    const context = await open((name) => {
      if (name === `before call ${call}`) restarting ??= rack.restart()
    })
    const end = await roll(context, undefined, () => restarting)
    expect(restarting).toBeDefined()
    expect(end).toEqual({ state: 'done', verdicts: ['accepted', 'refused'], same: false })
  })

  // Those that it writes something for.
  it.each(['stage', 'retire'])(
    'when it has answered: %s; what it answered it has kept',
    async (call) => {
      let restarting: Promise<void> | undefined
      const context = await open((name) => {
        if (name === `after call ${call}`) restarting ??= rack.restart()
      })
      const end = await roll(context, undefined, () => restarting)
      expect(restarting).toBeDefined()
      expect(end).toEqual({ state: 'done', verdicts: ['accepted', 'refused'], same: false })
    },
  )
})
