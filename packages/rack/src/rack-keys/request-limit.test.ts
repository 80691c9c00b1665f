import { describe, expect, it } from 'vitest'
import { RequestLimit } from './request-limit.ts'

describe('requests that anybody may make', () => {
  it('are so many a minute from one address, and others are not kept waiting', () => {
    let now = 0
    const limit = new RequestLimit(3, () => now)
    for (let index = 0; index < 3; index++) limit.count('192.0.2.1')
    now = 20_000
    expect(() => limit.count('192.0.2.1')).toThrow(
      expect.objectContaining({ code: 'throttled', retryAfterSeconds: 40 }),
    )
    limit.count('192.0.2.2')
    now = 60_000
    limit.count('192.0.2.1')
  })

  it('count together for a network that one host can have whole', () => {
    const limit = new RequestLimit(1, () => 0)
    limit.count('2001:db8::1')
    expect(() => limit.count('2001:db8::2')).toThrow(/too many/)
    limit.count('2001:db8:0:1::1')
  })
})
