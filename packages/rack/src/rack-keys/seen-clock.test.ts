import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TestClock } from '../testing/test-clock.ts'
import { SeenClock } from './seen-clock.ts'

const HOUR = 3_600_000

describe('the clock that deadlines are held against', () => {
  it('is that of the machine', () => {
    const machine = new TestClock()
    const clock = new SeenClock(0, machine)
    expect(clock.now()).toBe(machine.wall)
    machine.pass(HOUR)
    expect(clock.now()).toBe(machine.wall)
  })

  it('goes on from the latest time known when the machine is set back, and is right again later', () => {
    const machine = new TestClock()
    const clock = new SeenClock(0, machine)
    const start = clock.now()
    machine.set(-24 * HOUR)
    expect(clock.now()).toBe(start)
    machine.pass(2 * HOUR)
    expect(clock.now()).toBe(start + 2 * HOUR)
    machine.set(24 * HOUR)
    expect(clock.now()).toBe(start + 2 * HOUR)
    machine.pass(HOUR)
    expect(clock.now()).toBe(machine.wall)
  })

  it('goes on from what an earlier process has seen', () => {
    const machine = new TestClock()
    const seen = machine.wall + 5 * HOUR
    const clock = new SeenClock(seen, machine)
    expect(clock.now()).toBe(seen)
    machine.pass(HOUR)
    expect(clock.now()).toBe(seen + HOUR)
  })

  it('follows a machine that is set forward, also when it slept', () => {
    const machine = new TestClock()
    const clock = new SeenClock(0, machine)
    machine.set(HOUR)
    expect(clock.now()).toBe(machine.wall)
  })

  it('does not run ahead of a machine whose clock is slewed for months', () => {
    const machine = new TestClock()
    const clock = new SeenClock(0, machine)
    for (let hour = 0; hour < 24 * 90; hour++) {
      machine.wall += HOUR - 500
      machine.elapsed += HOUR
      expect(clock.now()).toBe(machine.wall)
    }
  })

  it('never goes back, and never stands still while time goes by, whatever is done to the machine', () => {
    const step = fc.record({ pass: fc.nat(HOUR), set: fc.integer({ min: -HOUR, max: HOUR }) })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        const machine = new TestClock()
        const clock = new SeenClock(0, machine)
        let before = clock.now()
        for (const { pass, set } of steps) {
          machine.set(set)
          const setTo = clock.now()
          expect(setTo).toBeGreaterThanOrEqual(before)
          machine.pass(pass)
          before = clock.now()
          // Within a second a set clock cannot be told from a slewed one.
          expect(before).toBeGreaterThanOrEqual(Math.max(setTo, setTo + pass - 1_000 * 31))
        }
      }),
    )
  })
})
