import type { Roll } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'

/** So short that a person who asks sees what is waited for. */
const LOOK_MS = 250

/**
 * What still stands between a roll and the end of its old key, in words; undefined when nothing
 * does. Requests that took the old key have to have the heads of their answers, on every Console.
 */
export async function barrier(
  { keysInFlight, replicas }: Pick<RollDomain, 'keysInFlight' | 'replicas'>,
  roll: Roll,
  signal: AbortSignal,
): Promise<string | undefined> {
  const { rack_id: rackId, new_version: version } = roll
  const patience = AbortSignal.any([signal, AbortSignal.timeout(LOOK_MS)])
  await keysInFlight.drained(rackId, version, patience)
  const count = keysInFlight.older(rackId, version)
  if (count > 0) {
    return count === 1
      ? 'one request that began with the old key is not answered yet'
      : `${count} requests that began with the old key are not answered yet`
  }
  const behind = await replicas.behind(roll.id)
  if (behind.length === 0) return undefined
  return `another Console (${behind.join(', ').slice(0, 200)}) has not taken the new key yet`
}
