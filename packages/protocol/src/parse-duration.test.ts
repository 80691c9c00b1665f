import { describe, expect, it } from 'vitest'
import { parseDuration } from './parse-duration.ts'

describe('a duration', () => {
  it.each([
    ['0', 0],
    ['0s', 0],
    ['2m0s', 120_000],
    ['1h30m0s', 5_400_000],
    ['1.5h', 5_400_000],
    ['300ms', 300],
    ['5us', 0.005],
    ['2m0s500ms', 120_500],
  ])('%s is %d ms', (text, milliseconds) => {
    expect(parseDuration(text)).toBe(milliseconds)
  })

  it.each([
    '',
    ' ',
    '5',
    'm',
    '-5m',
    '+5m',
    '1d',
    '5 m',
    '5m ',
    '5m\n',
    '1e3s',
    '.5s',
    '٥m',
    'NaNs',
  ])('%j is none', (text) => {
    expect(parseDuration(text)).toBeUndefined()
  })

  it('of a megabyte is refused at once', () => {
    expect(parseDuration('1s'.repeat(500_000))).toBeUndefined()
  })
})
