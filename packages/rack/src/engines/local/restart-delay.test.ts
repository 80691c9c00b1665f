import { describe, expect, it } from 'vitest'
import { RestartDelay } from './restart-delay.ts'

describe('the delay before an instance is replaced', () => {
  const after = (lives: number[]): number => {
    const delay = new RestartDelay()
    for (const lived of lives) delay.ended(lived)
    return delay.milliseconds
  }

  it('is nothing for the first failures, then doubles up to half a minute', () => {
    const delays = Array.from({ length: 16 }, (_, failures) => after(Array(failures).fill(10)))
    expect(delays.slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0])
    expect(delays.slice(6, 13)).toEqual([250, 500, 1000, 2000, 4000, 8000, 16_000])
    expect(delays.slice(13)).toEqual([30_000, 30_000, 30_000])
  })

  it('is nothing again once an instance lived for a while', () => {
    expect(after([...Array(20).fill(10), 10_000])).toBe(0)
    expect(after([...Array(20).fill(10), 9_999])).toBe(30_000)
  })
})
