import type { KeyUse } from '../rack-rolls/key-uses.ts'
import { isInGrace, ROLL_STATES, type Roll } from '../rack-rolls/roll.ts'

/** A roll as it is shown, in the API and on the page of its Rack; its keys never are. */
export function rollView(roll: Roll, rack: string, uses: readonly KeyUse[] = []) {
  const { id, state, waiting } = roll
  return {
    ...{ id, rack, state, detail: waiting ?? ROLL_STATES[state].detail },
    started_by: roll.started_by_name,
    started_at: roll.started_at,
    updated_at: roll.updated_at,
    grace_until: isInGrace(roll) ? roll.grace_until : null,
    error: roll.failure ?? roll.error,
    uses,
  }
}
