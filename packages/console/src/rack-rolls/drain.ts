import type { Act, Outcome } from './act.ts'
import { barrier } from './barrier.ts'
import { ROLL_ACTS } from './roll-acts.ts'

/**
 * Nobody is cut off: the requests of every Console that took the old key have their answers, and a
 * grace that was chosen runs to its end, on the Rack's own clock too, or until somebody finishes it.
 */
export async function drain(act: Act): Promise<Outcome> {
  const { domain, roll, signal } = act
  const reason = await barrier(domain, roll, signal)
  if (reason !== undefined) return { kind: 'waits', reason }
  const until = roll.grace_until
  if (until === null || roll.finish_asked_at !== null || domain.clock() >= until) {
    return { kind: 'done' }
  }
  await ROLL_ACTS[roll.method].endLater(act, until)
  const reasonOfGrace = `both keys work until ${new Date(until).toISOString()}`
  return { kind: 'waits', reason: reasonOfGrace, until }
}
