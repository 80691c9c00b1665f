import { describe, expect, it } from 'vitest'
import { relativeTime } from './relative-time.ts'
import { formatTable } from './table.ts'

describe('a table', () => {
  it('aligns its columns, cuts nothing and leaves no blanks at the end', () => {
    expect(
      formatTable([
        ['ID', 'STATUS', 'X'],
        ['i-1234', 'up', ''],
        ['i', 'terminating', 'y'],
      ]),
    ).toBe('ID      STATUS       X\ni-1234  up\ni       terminating  y')
  })

  it('is one line for each record whatever a cell holds', () => {
    expect(formatTable([['A'], ['x\ny\u001b[2J']])).toBe('A\nx y\uFFFD[2J')
  })
})

describe('a time', () => {
  const now = (): number => Date.parse('2026-01-10T12:00:00Z')

  it.each([
    ['2026-01-10T12:00:00Z', 'now'],
    ['2026-01-10T12:00:09Z', 'now'],
    ['2026-01-10T11:59:59Z', '1 second ago'],
    ['2026-01-10T11:58:01Z', '1 minute ago'],
    ['2026-01-10T10:00:00Z', '2 hours ago'],
    ['2026-01-09T12:00:00Z', '1 day ago'],
    ['2025-01-10T12:00:00Z', '365 days ago'],
    ['0001-01-01T00:00:00Z', ''],
    ['', ''],
    ['soon', ''],
  ])('%s is shown as "%s"', (time, shown) => {
    expect(relativeTime(time, now)).toBe(shown)
  })
})
