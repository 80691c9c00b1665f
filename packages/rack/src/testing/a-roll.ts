import { hashApiKey, mintApiKey, type Secret } from '@keyrack/secrets'
import { openRackKeys } from './open-rack-keys.ts'
import { TestClock } from './test-clock.ts'

export const HOUR = 3_600_000
export const ROLL = 'roll-0001'

type Rack = Awaited<ReturnType<typeof openRackKeys>>

/** A Rack and its next key; the acts of a roll with the right arguments, or with others. */
export async function aRoll(given: { writeEveryMs?: number } = {}) {
  const clock = new TestClock()
  const rack = await openRackKeys({ clock, ...given })
  const [oldKey, newKey] = [rack.key, mintApiKey('rack')]
  const { keys } = rack
  const stage = (by = oldKey, more = {}) =>
    keys.stage(asker(rack, by), { roll: ROLL, hash: hashApiKey(newKey), copy: 'sealed', ...more })
  const retire = (by = newKey, more = {}) =>
    keys.retire(asker(rack, by), {
      ...{ roll: ROLL, keep: hashApiKey(newKey), drop: hashApiKey(oldKey), notAfter: 0 },
      ...more,
    })
  const unstage = (by = oldKey, roll = ROLL) => keys.unstage(asker(rack, by), roll)
  return { rack, keys, clock, oldKey, newKey, stage, retire, unstage }
}

export function asker(rack: Rack, key: Secret): string {
  return rack.idOf(key) ?? 'nobody'
}

export function accepted({ keys }: Rack): Array<[string, string]> {
  return keys.live().map(({ hash, state }) => [state, hash])
}
