import { describe, expect, it } from 'vitest'
import { requestId } from './request-id.ts'

describe('a request id', () => {
  it.each(['abcdef012345', 'A.b_c-d8', 'x'.repeat(64)])('%s is kept', (id) => {
    expect(requestId(id)).toBe(id)
  })

  it.each([
    ['missing', undefined],
    ['empty', ''],
    ['too short', 'abc1234'],
    ['too long', 'x'.repeat(65)],
    ['with a line end', 'abcdefgh\nforged'],
    ['ending in a line end', 'abcdefgh\n'],
    ['with a percent sign', 'abcdefg%s'],
    ['with a space', 'abcd efgh'],
    ['with markup', '<script>1'],
    ['beyond ASCII', 'äbcdefghi'],
  ])('that is %s is replaced by twelve hex digits', (_what, header) => {
    expect(requestId(header)).toMatch(/^[0-9a-f]{12}$/)
    expect(requestId(header, () => Uint8Array.from([1, 2, 3, 4, 5, 255]))).toBe('0102030405ff')
  })

  it('is new every time', () => {
    expect(new Set(Array.from({ length: 50 }, () => requestId(undefined))).size).toBe(50)
  })
})
