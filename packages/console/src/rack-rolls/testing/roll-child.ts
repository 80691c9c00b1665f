/**
 * A Console's rolls as a process of their own, for tests that end it. Its one argument is JSON: where
 * the data is, what to do, and the point at which it ends itself with the signal that nobody can
 * catch. First it drives on what an earlier one has left, and prints as a line of JSON how that
 * ended; then it does what it is told, and prints the same of that.
 */
import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { verifyChain } from '@keyrack/protocol/audit'
import { createLogger } from '@keyrack/server'
import { readConfig } from '../../config.ts'
import type { ConsoleContext } from '../../context.ts'
import type { RackEntry } from '../../directory.ts'
import { type Closing, openContext } from '../../open-context.ts'
import { createAddressGuard } from '../../proxy/address-guard.ts'
import { openRackKey } from '../../racks/open-rack-key.ts'
import { rackKeyRoutes } from '../rack-key-routes.ts'
import { findLastRoll, findOpenRoll } from '../roll-rows.ts'
import { tryKey } from '../try-key.ts'

export interface RollChildTask {
  dataDir: string
  env: Record<string, string>
  /** `cancel` holds the roll before it verifies; `grace` is finished as soon as both keys work. */
  action: 'roll' | 'cancel' | 'grace' | 'nothing'
  /** Where it ends itself. */
  point?: string
}

export interface RollChildReport {
  /** Before anything was resumed. */
  found: { state: string; working: number }
  ended: { state: string; working: number; oldRefused: boolean; staged: boolean; open: number }
  /** The states that the audit log has of the last roll, in order. */
  states: string[]
  chainIsWhole: boolean
  points: string[]
}

const GUARD = createAddressGuard([])
const NAME = { organization: 'acme', name: 'live' }
const task = JSON.parse(process.argv[2] ?? '{}') as RollChildTask
const points: string[] = []
let armed = false
let held = false

function point(name: string): void {
  if (!armed) return
  points.push(name)
  if (name === task.point) process.kill(process.pid, 'SIGKILL')
  if (held && name === 'before write verifying') throw new Error('held until it is cancelled')
}

const config = readConfig({
  env: { PATH: process.env.PATH, DATA_DIR: task.dataDir, LOG_LEVEL: 'silent', ...task.env },
})
const closing: Closing = []
const log = createLogger({ name: 'roll-child', level: 'silent' })
const context = await openContext(config, log, closing, point)
const rack = await theRack(context)
const found = await look(context, rack)
await context.rolls.start()
await reportEnd(found)
armed = true
if (task.action !== 'nothing') {
  await act(context)
  await reportEnd(await look(context, rack))
}
await context.rolls.stop()
for (const close of closing.reverse()) await close()

async function reportEnd(before: RollChildReport['found']): Promise<void> {
  await untilEnded(context, rack.id)
  const report: RollChildReport = {
    found: before,
    ended: { ...(await look(context, rack)), ...(await refusals(context, rack)) },
    ...(await audited(context, rack)),
    points,
  }
  // At once, because the process may be about to end.
  writeSync(1, `${JSON.stringify(report)}\n`)
}

async function theRack({ directory }: ConsoleContext): Promise<RackEntry> {
  const actor = await founderOf(context)
  const entry = directory.racksOf(actor).find(({ name }) => name === NAME.name)
  if (entry === undefined) throw new Error('there is no Rack acme/live')
  return entry
}

async function founderOf({ store, directory }: ConsoleContext) {
  const { id } = await store.db
    .selectFrom('accounts')
    .where('founder', '=', 1)
    .select('id')
    .executeTakeFirstOrThrow()
  const account = directory.accountById(id)
  if (account === undefined) throw new Error('there is no founder')
  return account
}

async function act({ rolls }: ConsoleContext): Promise<void> {
  held = task.action === 'cancel'
  const actor = await founderOf(context)
  const request = { requestId: 'roll-child', address: '192.0.2.7' }
  await rolls.roll(actor, NAME, task.action === 'grace' ? 3_600_000 : 0, request)
  if (task.action === 'cancel') {
    await untilRoll((roll) => roll.state === 'staged')
    await rolls.cancel(actor, NAME)
    held = false
  }
  if (task.action === 'grace') {
    await untilRoll((roll) => roll.waiting?.startsWith('both keys') ?? false)
    await rolls.finish(actor, NAME, false)
  }
}

async function untilRoll(
  is: (roll: { state: string; waiting: string | null }) => boolean,
): Promise<void> {
  for (;;) {
    const roll = await findLastRoll(context.store.db, rack.id)
    if (roll !== undefined && is(roll)) return
    await sleep(10)
  }
}

async function untilEnded({ store, rolls }: ConsoleContext, rackId: string): Promise<void> {
  for (;;) {
    const roll = await findOpenRoll(store.db, rackId)
    if (roll === undefined) return
    // A grace that a crash has left is finished, too: an hour is longer than a test.
    if (roll.waiting?.startsWith('both keys')) {
      await rolls.finish(await founderOf(context), NAME, false)
    }
    await sleep(10)
  }
}

/** The state of the last roll, and how many keys that this Console knows are accepted. */
async function look({ store, keyring }: ConsoleContext, { id }: RackEntry) {
  const roll = await findLastRoll(store.db, id)
  const row = await store.db
    .selectFrom('racks')
    .where('id', '=', id)
    .selectAll()
    .executeTakeFirstOrThrow()
  const keys = [{ id, sealedKey: row.sealed_key, keyVersion: row.key_version }]
  if (roll?.sealed_new_key != null) {
    keys.push({ id, sealedKey: roll.sealed_new_key, keyVersion: roll.new_version })
  }
  let working = 0
  for (const key of keys) {
    if ((await tryKey(GUARD, rack, openRackKey(keyring, key))) === 'accepted') working += 1
  }
  return { state: roll?.state ?? 'none', working }
}

async function refusals({ store, keyring }: ConsoleContext, { id }: RackEntry) {
  const { db } = store
  const row = await db
    .selectFrom('racks')
    .where('id', '=', id)
    .selectAll()
    .executeTakeFirstOrThrow()
  const key = openRackKey(keyring, { id, sealedKey: row.sealed_key, keyVersion: row.key_version })
  const { staged, ending } = await rackKeyRoutes(GUARD, rack, key).status()
  const previous = await db
    .selectFrom('previous_rack_keys')
    .where('rack_id', '=', id)
    .selectAll()
    .execute()
  const verdicts = []
  for (const { sealed_key: sealedKey, key_version: keyVersion } of previous) {
    verdicts.push(await tryKey(GUARD, rack, openRackKey(keyring, { id, sealedKey, keyVersion })))
  }
  const open = await db
    .selectFrom('rack_rolls')
    .where('open_rack_id', 'is not', null)
    .select('id')
    .execute()
  return {
    oldRefused: ending === null && verdicts.every((verdict) => verdict === 'refused'),
    staged: staged !== null,
    open: open.length,
  }
}

async function audited({ store }: ConsoleContext, { id, organization }: RackEntry) {
  const roll = await findLastRoll(store.db, id)
  const rows = await store.db
    .selectFrom('audit')
    .where('chain', '=', organization.id)
    .orderBy('sequence')
    .selectAll()
    .execute()
  const states = rows
    .filter(
      ({ phase, action, note }) =>
        phase === 'finished' && action === 'rack.key.roll' && note?.includes(`(roll ${roll?.id})`),
    )
    .map(({ note }) => note?.split(' ', 1)[0] ?? '')
  return { states, chainIsWhole: verifyChain(rows) === undefined }
}
