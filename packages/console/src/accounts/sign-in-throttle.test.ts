import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it } from 'vitest'
import { SignInThrottle } from './sign-in-throttle.ts'

const HOME = '192.0.2.7'
const AWAY = '198.51.100.9'

function throttle() {
  let now = 1_000_000
  const made = new SignInThrottle(() => now)
  return {
    made,
    pass: (seconds: number) => {
      now += seconds * 1000
    },
    /** The seconds to wait, or 0 when the attempt may go ahead (and counts). */
    attempt(subject: string, address: string): number {
      try {
        made.attempt(subject, address)
        return 0
      } catch (error) {
        if (error instanceof KeyrackError && error.code === 'throttled') {
          return error.retryAfterSeconds ?? Number.NaN
        }
        throw error
      }
    },
  }
}

describe('the throttle', () => {
  it('lets five failures pass, then doubles the wait up to a quarter of an hour', () => {
    const { attempt, pass } = throttle()
    for (let free = 0; free < 5; free += 1) expect(attempt('ada', HOME)).toBe(0)
    const waits: number[] = []
    for (let failures = 0; failures < 12; failures += 1) {
      const wait = attempt('ada', HOME)
      waits.push(wait)
      pass(wait)
      expect(attempt('ada', HOME)).toBe(0)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  })

  it('does not prolong the wait for attempts that come too early', () => {
    const { attempt, pass } = throttle()
    for (let free = 0; free < 6; free += 1) attempt('ada', HOME)
    for (let early = 0; early < 50; early += 1) expect(attempt('ada', HOME)).toBe(1)
    pass(1)
    expect(attempt('ada', HOME)).toBe(0)
  })

  it('keeps one account at one address apart from every other pair', () => {
    const { attempt } = throttle()
    for (let guess = 0; guess < 6; guess += 1) attempt('ada', AWAY)
    expect(attempt('ada', AWAY)).toBeGreaterThan(0)
    expect(attempt('ada', HOME)).toBe(0)
    expect(attempt('bob', AWAY)).toBe(0)
  })

  it('delays an address that tries one password on many accounts, by a minute at most', () => {
    const { attempt, pass } = throttle()
    for (let account = 0; account < 30; account += 1) attempt(`account ${account}`, AWAY)
    expect(attempt('one more', AWAY)).toBe(1)
    pass(1)
    for (let account = 0; account < 20; account += 1) {
      const wait = attempt(`more ${account}`, AWAY)
      expect(wait).toBeLessThanOrEqual(60)
      pass(wait)
    }
    expect(attempt('ada', HOME)).toBe(0)
  })

  it('treats a whole IPv6 network of one customer as one address', () => {
    const { attempt } = throttle()
    for (let host = 1; host <= 6; host += 1) attempt('ada', `2001:db8:1:2::${host}`)
    expect(attempt('ada', '2001:db8:1:2:ffff::9')).toBeGreaterThan(0)
    expect(attempt('ada', '2001:db8:1:3::1')).toBe(0)
  })

  it('forgets the account after a success, and an address after an hour', () => {
    const { attempt, made, pass } = throttle()
    for (let guess = 0; guess < 5; guess += 1) attempt('ada', HOME)
    made.succeeded('ada', HOME)
    for (let guess = 0; guess < 5; guess += 1) expect(attempt('ada', HOME)).toBe(0)
    expect(attempt('ada', HOME)).toBeGreaterThan(0)
    pass(3601)
    expect(attempt('ada', HOME)).toBe(0)
    expect(attempt('ada', HOME)).toBe(0)
  })

  it('does not clear an address because somebody there can sign in', () => {
    const { attempt, made } = throttle()
    for (let round = 0; round < 29; round += 1) {
      attempt(`victim ${round}`, AWAY)
      attempt('own account', AWAY)
      made.succeeded('own account', AWAY)
    }
    expect(attempt('victim', AWAY)).toBe(0)
    expect(attempt('victim', AWAY)).toBeGreaterThan(0)
  })
})
