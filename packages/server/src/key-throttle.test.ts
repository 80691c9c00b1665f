import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { KeyThrottle } from './key-throttle.ts'

const MINUTE = 60_000

function hash(text: string | number): string {
  return createHash('sha256').update(String(text)).digest('hex')
}

function guess(throttle: KeyThrottle, address: string, from: number, count: number) {
  return Array.from({ length: count }, (_, index) => throttle.failed(address, hash(from + index)))
}

describe('throttle of wrong keys', () => {
  it('never throttles one stale key, however often it is presented', () => {
    const throttle = new KeyThrottle(() => 0)
    for (let attempt = 0; attempt < 1000; attempt++) {
      expect(throttle.failed('192.0.2.1', hash('stale'))).toBeUndefined()
    }
  })

  it('does not follow the clock of the machine when that is set', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2036, 0) })
    try {
      const throttle = new KeyThrottle()
      guess(throttle, '192.0.2.1', 0, 20)
      vi.setSystemTime(Date.UTC(2026, 0))
      expect(throttle.failed('192.0.2.1', hash('back'))).toBeLessThanOrEqual(10 * 60)
      vi.setSystemTime(Date.UTC(2046, 0))
      expect(throttle.failed('192.0.2.1', hash('ahead'))).toBeGreaterThan(0)
    } finally {
      vi.useRealTimers()
    }
  })

  it('throttles the 21st different key and says how long to wait', () => {
    let now = 0
    const throttle = new KeyThrottle(() => now)
    expect(guess(throttle, '192.0.2.1', 0, 20)).toEqual(Array(20).fill(undefined))
    now = MINUTE
    expect(throttle.failed('192.0.2.1', hash('one more'))).toBe(9 * 60)
  })

  it('answers a key it has already refused as before, while new ones are throttled', () => {
    const throttle = new KeyThrottle(() => 0)
    guess(throttle, '192.0.2.1', 0, 20)
    expect(throttle.failed('192.0.2.1', hash(3))).toBeUndefined()
    expect(throttle.failed('192.0.2.1', hash('new'))).toBe(600)
  })

  it('is about one address: others are not told to wait', () => {
    const throttle = new KeyThrottle(() => 0)
    guess(throttle, '192.0.2.1', 0, 30)
    expect(throttle.failed('192.0.2.2', hash('first'))).toBeUndefined()
  })

  it('forgets after ten minutes', () => {
    let now = 0
    const throttle = new KeyThrottle(() => now)
    guess(throttle, '192.0.2.1', 0, 30)
    now = 10 * MINUTE
    expect(throttle.failed('192.0.2.1', hash('later'))).toBeUndefined()
  })

  it('keeps what a throttled address presents out of memory and remembers 10,000 addresses', () => {
    const throttle = new KeyThrottle(() => 0)
    for (let index = 0; index < 12_000; index++) {
      throttle.failed(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, hash(index))
    }
    expect(throttle.size).toBe(10_000)
  })

  it('forgets the address that was quiet longest, not the one that is guessing', () => {
    const throttle = new KeyThrottle(() => 0)
    guess(throttle, '192.0.2.1', 0, 20)
    for (let index = 0; index < 30_000; index++) {
      throttle.failed(`10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`, hash(index))
      if (index % 5000 === 0) throttle.failed('192.0.2.1', hash(1))
    }
    expect(throttle.failed('192.0.2.1', hash('new'))).toBe(600)
  })

  it('counts a whole IPv6 /64 as one guesser', () => {
    const throttle = new KeyThrottle(() => 0)
    for (let index = 0; index < 20; index++) {
      throttle.failed(`2001:db8:0:1::${index.toString(16)}`, hash(index))
    }
    expect(throttle.failed('2001:db8:0:1:ffff::1', hash('new'))).toBe(600)
    expect(throttle.failed('2001:db8:0:2::1', hash('new'))).toBeUndefined()
  })
})
