import type { Act, Outcome } from './act.ts'
import { between } from './point.ts'
import { tryKeyEverywhere } from './try-key.ts'

/**
 * The end of a roll: over fresh connections to every machine behind the Rack's name the new key is
 * accepted and the old one refused with a 401. Anything else proves nothing.
 */
export async function proveKeys({ domain, rack, k0, k1 }: Act): Promise<Outcome> {
  const { guard, point } = domain
  const now = await between(point, 'call prove new', () => tryKeyEverywhere(guard, rack, k1))
  if (now.accepted.length === 0 || now.refused.length > 0) {
    return {
      kind: 'back',
      to: 'retiring',
      reason: `the new key is refused at ${now.refused.join(', ')}`,
    }
  }
  const before = await between(point, 'call prove old', () => tryKeyEverywhere(guard, rack, k0))
  if (before.accepted.length === 0) return { kind: 'done' }
  return {
    kind: 'back',
    to: 'retiring',
    reason: `the old key still works at ${before.accepted.join(', ')}`,
  }
}
