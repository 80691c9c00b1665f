/**
 * The states of a roll, as data (design 6). An intent is written before its act and a fact after
 * it, so that whatever stops the Console, the next start knows what may have happened. K0 is the
 * old key, K1 the new one.
 */
import type { RackRollsTable } from '../database/schema.ts'

/** How a Rack's key is changed: our own Racks take two keys, official ones have a parameter. */
export type RollMethod = 'two-keys' | 'system-parameter' | 'app-parameter'

interface StateFacts {
  /** `act`: something is done with the Rack; `fact`: it has been done; `end`: the roll is over. */
  kind: 'act' | 'fact' | 'end'
  /** K1 is not in force yet, so the roll can be cancelled. */
  cancellable?: true
  /** What happens in this state, for people. */
  detail: string
}

export const ROLL_STATES = {
  staging: { kind: 'act', cancellable: true, detail: 'the Rack is told of the new key' },
  staged: { kind: 'fact', cancellable: true, detail: 'the Rack accepts both keys' },
  verifying: { kind: 'act', cancellable: true, detail: 'the new key is tried' },
  verified: { kind: 'fact', cancellable: true, detail: 'the new key works' },
  committing: { kind: 'act', cancellable: true, detail: 'the Console takes the new key' },
  committed: { kind: 'fact', detail: 'new requests use the new key' },
  draining: { kind: 'act', detail: 'requests that began with the old key end' },
  retiring: { kind: 'act', detail: 'the Rack is told to refuse the old key' },
  retired: { kind: 'fact', detail: 'the Rack says that it refuses the old key' },
  proving: { kind: 'act', detail: 'the old key is tried and has to be refused' },
  done: { kind: 'end', detail: 'the new key works, the old one is refused' },
  cancelling: { kind: 'act', detail: 'the Rack is told to forget the new key' },
  cancelled: { kind: 'end', detail: 'the old key stays, the new one is destroyed' },
  failed: { kind: 'end', detail: 'the roll could not go on' },
} as const satisfies Record<string, StateFacts>

export type RollState = keyof typeof ROLL_STATES

export type Roll = RackRollsTable

export function hasEnded({ state }: Pick<Roll, 'state'>): boolean {
  return ROLL_STATES[state].kind === 'end'
}

export function isCancellable({ state }: Pick<Roll, 'state'>): boolean {
  return CANCELLABLE.includes(state)
}

/** K1 is in force. */
export function isCommitted(roll: Pick<Roll, 'state'>): boolean {
  return !isCancellable(roll) && !NEVER_COMMITTED.includes(roll.state)
}

const NEVER_COMMITTED: readonly RollState[] = ['cancelling', 'cancelled', 'failed']

/** Also while it is committing: the compare-and-swap to `cancelling` excludes the commit. */
export const CANCELLABLE: readonly RollState[] = (Object.keys(ROLL_STATES) as RollState[]).filter(
  (state) => 'cancellable' in ROLL_STATES[state],
)

/** Both keys work, and they do so until a moment that was chosen. */
export function isInGrace({ state, grace_until, finish_asked_at }: Roll): boolean {
  return state === 'draining' && grace_until !== null && finish_asked_at === null
}
