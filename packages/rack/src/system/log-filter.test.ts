import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { logFilter } from './log-filter.ts'

const LINE = 'system/instance/i-1 the instance runs'

describe('a filter of log lines', () => {
  it.each([
    ['', true],
    ['   ', true],
    ['runs', true],
    ['RUNS', false],
    ['i-1 runs', true],
    ['runs i-1', true],
    ['runs ended', false],
    ['"instance runs"', true],
    ['"runs instance"', false],
    ['-ended', true],
    ['-runs', false],
    ['-"instance runs"', false],
    ['?ended ?runs', true],
    ['?ended ?failed', false],
    ['i-1 ?ended ?runs -failed', true],
    ['i-2 ?runs', false],
    ['""', true],
    ['- ?', false],
    ['(?!)', false],
    ['.*', false],
  ])('%j passes the line: %s', (pattern, passes) => {
    expect(logFilter(pattern)(LINE)).toBe(passes)
  })

  it('takes any text without failing, up to its limit', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 1024 }), fc.string(), (pattern, line) => {
        expect(typeof logFilter(pattern.slice(0, 1024))(line)).toBe('boolean')
      }),
    )
    expect(() => logFilter('x'.repeat(1025))).toThrow('longer than 1024')
  })
})
