import { type Act, CannotGoOn, type Outcome, openAct } from './act.ts'
import { drain } from './drain.ts'
import { between } from './point.ts'
import { proveKeys } from './prove-keys.ts'
import { bringIntoForce } from './rack-key-rows.ts'
import { hasEnded, isCancellable, isCommitted, type Roll, type RollState } from './roll.ts'
import { ROLL_ACTS } from './roll-acts.ts'
import type { RollDomain } from './roll-domain.ts'
import { findRackRow, findRoll, type Move, moveRoll } from './roll-rows.ts'

/** What one step came to: another state, or waiting, until a time where one is known. */
export type Advance =
  | { kind: 'moved'; state: RollState }
  | { kind: 'back'; reason: string }
  | { kind: 'waits'; reason: string; until?: number }
  | { kind: 'ended' }

/** After each fact, the intent of the next act. */
const NEXT_INTENT = {
  staged: 'verifying',
  verified: 'committing',
  committed: 'draining',
  retired: 'proving',
} as const satisfies Partial<Record<RollState, RollState>>

const FACTS = {
  staging: 'staged',
  verifying: 'verified',
  draining: 'retiring',
  retiring: 'retired',
  proving: 'done',
} as const satisfies Partial<Record<RollState, RollState>>

type ActState = keyof typeof FACTS

/** One step of a roll: writes an intent, or does an act and writes the fact. Throws when it failed. */
export async function advanceRoll(
  domain: RollDomain,
  rollId: string,
  signal: AbortSignal,
): Promise<Advance> {
  const roll = await findRoll(domain.store.db, rollId)
  if (roll === undefined) return { kind: 'ended' }
  const { state } = roll
  if (isFact(state)) return move(domain, roll, { to: NEXT_INTENT[state] })
  if (hasEnded(roll)) return { kind: 'ended' }
  try {
    const act = await loadAct(domain, roll, signal)
    if (state === 'committing') return await commit(domain, roll)
    if (state === 'cancelling') return await cancelled(act)
    if (!isAct(state)) return { kind: 'ended' }
    return await follow(act, state, await perform(act, state))
  } catch (error) {
    if (!(error instanceof CannotGoOn)) throw error
    return giveUp(domain, roll, error.message)
  }
}

function isFact(state: RollState): state is keyof typeof NEXT_INTENT {
  return state in NEXT_INTENT
}

function isAct(state: RollState): state is ActState {
  return state in FACTS
}

async function loadAct(domain: RollDomain, roll: Roll, signal: AbortSignal): Promise<Act> {
  const { db } = domain.store
  const rack = await findRackRow(db, roll.rack_id)
  if (rack === undefined) throw new CannotGoOn('the Rack was removed from the Console')
  await domain.ledger.check(db, 'racks', rack.id)
  const previous = await db
    .selectFrom('previous_rack_keys')
    .where('rack_id', '=', roll.rack_id)
    .where('key_version', '=', roll.new_version - 1)
    .select('sealed_key')
    .executeTakeFirst()
  return openAct(domain, { roll, rack, previous: previous?.sealed_key }, signal)
}

function perform(act: Act, state: ActState): Promise<Outcome> {
  const acts = ROLL_ACTS[act.roll.method]
  switch (state) {
    case 'staging':
      return acts.stage(act)
    case 'verifying':
      return acts.verify(act)
    case 'draining':
      return drain(act)
    case 'retiring':
      return acts.retire(act)
    case 'proving':
      return proveKeys(act)
  }
}

async function follow(act: Act, state: ActState, outcome: Outcome): Promise<Advance> {
  const { domain, roll } = act
  switch (outcome.kind) {
    case 'waits':
      return outcome
    case 'back':
      // The same state again needs no row of its own: the act repeats.
      if (outcome.to !== state) await move(domain, roll, { to: outcome.to, note: outcome.reason })
      return { kind: 'back', reason: outcome.reason }
    case 'done': {
      const { generation, note } = outcome
      return move(domain, roll, {
        to: FACTS[state],
        ...(generation === undefined ? {} : { changes: { generation } }),
        ...(note === undefined ? {} : { note }),
      })
    }
  }
}

async function cancelled(act: Act): Promise<Advance> {
  const { domain, roll } = act
  const outcome = await ROLL_ACTS[roll.method].withdraw(act)
  if (outcome.kind === 'waits') return outcome
  if (outcome.kind === 'back') {
    await move(domain, roll, { to: outcome.to, note: outcome.reason })
    return { kind: 'back', reason: outcome.reason }
  }
  return end(domain, roll)
}

/** With a failure it was the roll that could not go on; without one somebody asked for it. */
function end(domain: RollDomain, roll: Roll): Promise<Advance> {
  const { failure: reason } = roll
  return move(domain, roll, reason === null ? { to: 'cancelled' } : failed(reason))
}

function failed(reason: string): Move {
  return { to: 'failed', changes: { failure: reason }, note: reason }
}

/** K1 current, K0 kept: one transaction, seen by every request that begins after it. */
async function commit(domain: RollDomain, roll: Roll): Promise<Advance> {
  const now = domain.clock()
  const changes = { grace_until: roll.grace_ms > 0 ? now + roll.grace_ms : null }
  await between(domain.point, 'write committed', () =>
    domain.commit(async (tx) => {
      await bringIntoForce(tx, roll, now)
      await moveRoll(domain, tx, roll, { to: 'committed', changes })
    }),
  )
  return { kind: 'moved', state: 'committed' }
}

async function move(domain: RollDomain, roll: Roll, next: Move): Promise<Advance> {
  await between(domain.point, `write ${next.to}`, () =>
    domain.store.transaction((tx) => moveRoll(domain, tx, roll, next)),
  )
  return hasEnded({ state: next.to }) ? { kind: 'ended' } : { kind: 'moved', state: next.to }
}

/** Before the commit the new key is withdrawn; afterwards there is nothing to go back to. */
async function giveUp(domain: RollDomain, roll: Roll, reason: string): Promise<Advance> {
  const { state } = roll
  const rack = await findRackRow(domain.store.db, roll.rack_id)
  // Nobody can ask a Rack that is gone, or whose key was replaced: there is no act left.
  const orphaned =
    rack === undefined || (isCommitted(roll) && rack.key_version !== roll.new_version)
  if (orphaned || state === 'cancelling') return move(domain, roll, failed(reason))
  if (!isCancellable(roll)) return { kind: 'back', reason }
  return move(domain, roll, { to: 'cancelling', changes: { failure: reason }, note: reason })
}
