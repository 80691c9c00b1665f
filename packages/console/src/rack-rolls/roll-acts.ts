import type { RollActs } from './act.ts'
import { parameterActs } from './acts/official.ts'
import { twoKeys } from './acts/two-keys.ts'
import type { RollMethod } from './roll.ts'

/** What is done, by the kind of Rack. Draining, committing and proving are the same for all. */
export const ROLL_ACTS: Readonly<Record<RollMethod, RollActs>> = {
  'two-keys': twoKeys,
  'system-parameter': parameterActs('system-parameter'),
  'app-parameter': parameterActs('app-parameter'),
}
