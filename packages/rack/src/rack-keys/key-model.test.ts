import { basicHeader, KeyrackError } from '@keyrack/protocol'
import { hashApiKey, mintApiKey, type Secret } from '@keyrack/secrets'
import { KeyThrottle } from '@keyrack/server'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { filesAsTheyAre, openRackKeys } from '../testing/open-rack-keys.ts'
import { TestClock } from '../testing/test-clock.ts'
import { authenticate } from './authenticate.ts'

/**
 * A Rack's table of keys and a careless Console that says anything in any order with any key, while
 * clocks jump and the Rack is restarted and killed. What must hold is checked after each step.
 */
const MINUTE = 60_000
const NO_TOKENS = { check: () => undefined }
const KEYS = Array.from({ length: 6 }, () => mintApiKey('rack'))
const HASHES = KEYS.map(hashApiKey)
const ROLLS = ['roll-number-0', 'roll-number-1', 'roll-number-2', 'roll-number-3']

const key = fc.nat(KEYS.length - 1)
const roll = fc.constantFrom(...ROLLS)
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('stage' as const), by: key, roll, key }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('unstage' as const), by: key, roll }) },
  {
    weight: 5,
    arbitrary: fc.record({
      ...{ do: fc.constant('retire' as const), by: key, roll, keep: key, drop: key },
      grace: fc.constantFrom(0, 0, 5 * MINUTE, 20 * MINUTE),
    }),
  },
  // What a careful Console would do next, so that whole rolls happen and not only refusals.
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('next' as const),
      key,
      grace: fc.constantFrom(0, 5 * MINUTE),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.nat(10 * MINUTE) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('jump' as const),
      ms: fc.integer({ min: -60 * MINUTE, max: 15 * MINUTE }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

function keyAt(index: number): Secret {
  const found = KEYS[index]
  if (found === undefined) throw new TypeError('there is no such key')
  return found
}

type Rack = Awaited<ReturnType<typeof openRackKeys>>

class Model {
  readonly clock: TestClock
  readonly #refusedForEver = new Set<string>()
  /** Accepted once and refused later, since the last kill. */
  readonly #ended = new Set<Secret>()
  readonly #accepted = new Set<Secret>()
  rack: Rack
  #openRoll: { roll: string; index: number; old: number } | undefined
  #rolls = 0
  readonly rolled = { committed: 0, refused: 0 }

  constructor(rack: Rack, clock: TestClock) {
    this.rack = rack
    this.clock = clock
  }

  accepts(one: Secret): boolean {
    const { keys } = this.rack
    try {
      authenticate(
        { keys, tokens: NO_TOKENS, throttle: new KeyThrottle() },
        basicHeader(one).reveal(),
        'x',
      )
      return true
    } catch {
      return false
    }
  }

  live(): number[] {
    return KEYS.flatMap((one, index) => (this.accepts(one) ? [index] : []))
  }

  async take(given: Step): Promise<void> {
    if (given.do === 'pass') this.clock.pass(given.ms)
    else if (given.do === 'jump') this.clock.set(given.ms)
    else if (given.do === 'restart') await this.#again(true)
    else if (given.do === 'kill') {
      await this.#again(false)
      // A deadline that passed in the last moments may not be stored; it will pass again.
      this.#ended.clear()
    } else if (given.do === 'next') await this.#next(given.key, given.grace)
    else await this.#ask(given)
    this.#check()
  }

  /** Asks as the key with that number does, when it is let in at all. */
  async #ask(given: Extract<Step, { by: number }>): Promise<boolean> {
    const asker = this.rack.idOf(keyAt(given.by))
    if (asker === undefined || !this.accepts(keyAt(given.by))) return false
    const { keys } = this.rack
    const hash = (index: number): string => HASHES[index] ?? ''
    try {
      if (given.do === 'stage') {
        await keys.stage(asker, { roll: given.roll, hash: hash(given.key), copy: '' })
      } else if (given.do === 'unstage') await keys.unstage(asker, given.roll)
      else {
        const notAfter = given.grace === 0 ? 0 : this.clock.wall + given.grace
        const hashes = { keep: hash(given.keep), drop: hash(given.drop) }
        await keys.retire(asker, { roll: given.roll, ...hashes, notAfter })
        this.rolled.committed += 1
      }
    } catch (error) {
      if (!(error instanceof KeyrackError)) throw error
      this.rolled.refused += 1
      expect(['conflict', 'invalid']).toContain(error.code)
    }
    // Whoever asks is let in afterwards too.
    expect(this.accepts(keyAt(given.by))).toBe(true)
    return true
  }

  async #next(index: number, grace: number): Promise<void> {
    const current = HASHES.indexOf(
      this.rack.keys.live().find(({ state }) => state === 'current')?.hash ?? '',
    )
    const staged = this.rack.keys.live().find(({ state }) => state === 'staged')
    if (staged === undefined || this.#openRoll === undefined) {
      this.#rolls += 1
      const roll = `roll-of-care-${this.#rolls}`
      this.#openRoll = { roll, index, old: current }
      await this.#ask({ do: 'stage', by: current, roll, key: index })
      return
    }
    const { roll, index: next, old } = this.#openRoll
    await this.#ask({ do: 'retire', by: next, roll, keep: next, drop: old, grace })
  }

  async #again(closed: boolean): Promise<void> {
    const { keys, systemLog, file } = this.rack
    if (closed) await keys.close()
    await systemLog.stored()
    this.rack = await openRackKeys({ file: filesAsTheyAre(file), clock: this.clock })
  }

  #check(): void {
    const live = this.rack.keys.live()
    const states = live.map(({ state }) => state)
    expect(states.filter((state) => state === 'current')).toHaveLength(1)
    expect(new Set(states).size).toBe(states.length)
    expect(this.live().length).toBeGreaterThan(0)
    for (const [index, one] of KEYS.entries()) {
      const hash = HASHES[index] ?? ''
      if (this.rack.keys.isTombstone(hash)) this.#refusedForEver.add(hash)
      const accepted = this.accepts(one)
      if (this.#refusedForEver.has(hash) || this.#ended.has(one)) expect(accepted).toBe(false)
      if (accepted) this.#accepted.add(one)
      else if (this.#accepted.has(one)) this.#ended.add(one)
    }
  }
}

describe('whatever a Console asks for, however clocks jump and processes die', () => {
  it('one key is in force, never two are staged, no retired key comes back, and who asks stays in', async () => {
    const seen = { committed: 0, refused: 0 }
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
        const clock = new TestClock()
        const first = await openRackKeys({ clock, key: keyAt(0) })
        const model = new Model(first, clock)
        for (const one of steps) await model.take(one)
        seen.committed += model.rolled.committed
        seen.refused += model.rolled.refused
        await model.rack.keys.close()
      }),
      { numRuns: 40 },
    )
    // A model that only ever hears refusals shows nothing.
    expect(seen.committed).toBeGreaterThan(10)
    expect(seen.refused).toBeGreaterThan(10)
  })
})
