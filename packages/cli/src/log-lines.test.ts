import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LineCutter, parseLogLine } from './log-lines.ts'

describe('a line of a log', () => {
  it.each([
    // Of our Racks, of v2 (CloudWatch streams), of v3 with a fraction, of an empty message.
    [
      '2026-11-23T12:00:00Z system/rack/dev the Rack started',
      'system/rack/dev',
      'the Rack started',
    ],
    ['2026-11-23T12:00:00Z service/web/1a2b GET / 200', 'service/web/1a2b', 'GET / 200'],
    [
      '2026-11-23T12:00:00.123456789Z system/k8s/web-1 Started  it',
      'system/k8s/web-1',
      'Started  it',
    ],
    ['2026-11-23T12:00:00+01:00 system/cloudformation a\tb', 'system/cloudformation', 'a\tb'],
    ['2026-11-23T12:00:00Z system/x ', 'system/x', ''],
    ['2026-11-23T12:00:00Z system/x', 'system/x', ''],
  ])('that begins as Racks begin them: %j', (line, source, message) => {
    expect(parseLogLine(line)).toEqual({ at: line.split(' ')[0], source, message })
  })

  it.each([
    '',
    '    at second line of a trace',
    '2026-11-23 12:00:00 system/x no such time',
    '2026-11-23T12:00:00Z nosource text',
    'system/x 2026-11-23T12:00:00Z',
    '2026-11-23T12:00:00Z  system/x two blanks',
  ])('of another kind is a message: %j', (line) => {
    expect(parseLogLine(line)).toEqual({ at: null, source: null, message: line })
  })

  it('is whole however it arrives, and nothing is lost of one without an end', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[ab\n]{0,9}$/)), (parts) => {
        const cutter = new LineCutter(4)
        const lines = [...parts.flatMap((part) => cutter.push(part)), ...cutter.flush()]
        expect(lines.join('')).toBe(parts.join('').replaceAll('\n', ''))
        for (const line of lines) expect(line).not.toContain('\n')
        const short = parts.join('').split('\n')
        if (short.every((line) => line.length <= 4)) {
          expect(lines).toEqual(short.at(-1) === '' ? short.slice(0, -1) : short)
        }
      }),
    )
    const bounded = new LineCutter(4)
    expect([...bounded.push('abcdefghij'), ...bounded.flush()]).toEqual(['abcd', 'efgh', 'ij'])
    expect(new LineCutter(9).push('a\r\nb\n')).toEqual(['a', 'b'])
  })
})
