import { describe, expect, it } from 'vitest'
import { KeyThrottle } from './key-throttle.ts'

function throttle(limits = { windowMs: 60_000, differentKeys: 3, addresses: 100 }) {
  const time = { now: 1_000_000 }
  return { time, throttle: new KeyThrottle(() => time.now, limits) }
}

describe('wrong keys', () => {
  it('the same old key counts once, however often a script repeats it', () => {
    const { throttle: counted } = throttle()
    for (let attempt = 0; attempt < 1000; attempt += 1) {
      expect(counted.failed('192.0.2.1', 'old')).toBeUndefined()
    }
    expect(counted.failed('192.0.2.1', 'b')).toBeUndefined()
    expect(counted.failed('192.0.2.1', 'c')).toBeUndefined()
  })

  it('different keys from one address are slowed down, with the seconds that are left', () => {
    const { throttle: counted, time } = throttle()
    for (const key of ['a', 'b', 'c']) expect(counted.failed('192.0.2.1', key)).toBeUndefined()
    expect(counted.failed('192.0.2.1', 'd')).toBe(60)
    time.now += 59_001
    expect(counted.failed('192.0.2.1', 'e')).toBe(1)
  })

  it('a key that was counted before keeps its plain answer while the address is slowed down', () => {
    const { throttle: counted } = throttle()
    for (const key of ['a', 'b', 'c', 'd']) counted.failed('192.0.2.1', key)
    expect(counted.failed('192.0.2.1', 'a')).toBeUndefined()
  })

  it('addresses do not pay for each other', () => {
    const { throttle: counted } = throttle()
    for (const key of ['a', 'b', 'c', 'd']) counted.failed('192.0.2.1', key)
    expect(counted.failed('192.0.2.2', 'd')).toBeUndefined()
  })

  it('the window ends', () => {
    const { throttle: counted, time } = throttle()
    for (const key of ['a', 'b', 'c', 'd']) counted.failed('192.0.2.1', key)
    time.now += 60_000
    expect(counted.failed('192.0.2.1', 'd')).toBeUndefined()
  })

  it('keeps a bounded number of addresses and forgets the oldest', () => {
    const limits = { windowMs: 60_000, differentKeys: 1, addresses: 2 }
    const { throttle: counted } = throttle(limits)
    counted.failed('192.0.2.1', 'a')
    counted.failed('192.0.2.2', 'a')
    counted.failed('192.0.2.3', 'a')
    expect(counted.failed('192.0.2.3', 'b')).toBe(60)
    expect(counted.failed('192.0.2.2', 'b')).toBe(60)
    expect(counted.failed('192.0.2.1', 'b')).toBeUndefined()
  })
})
