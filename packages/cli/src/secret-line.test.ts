import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type LineState, SecretLine } from './secret-line.ts'

function type(...reads: string[]): { state: LineState; text: string } {
  const line = new SecretLine()
  let state: LineState = 'more'
  for (const read of reads) {
    state = line.push(read)
    if (state !== 'more') break
  }
  return { state, text: line.text }
}

describe('a line without echo', () => {
  it.each([
    ['typed', ['k', 'e', 'y', '\r'], 'key'],
    ['pasted with its line break', ['key\n'], 'key'],
    ['pasted with more behind it', ['key\nrm -rf /\n'], 'key'],
    ['corrected', ['kex\u007fy\r'], 'key'],
    ['corrected by a whole character', ['ke👩\by\r'], 'key'],
    ['begun again', ['wrong\u0015key\r'], 'key'],
    ['with cursor keys', ['k\u001b[Dey\u001bOA\u001bx\r'], 'key'],
    ['after an empty line of the same paste', ['\n\n key\r'], ' key'],
    ['in a bracketed paste', ['\u001b[200~\nkey\n\u001b[201~', '\r'], '\nkey\n'],
    ['in a paste with a control character', ['\u001b[200~k\u0003ey\u001b[201~\r'], 'key'],
  ])('reads what was %s', (_name, reads, text) => {
    expect(type(...reads)).toEqual({ state: 'done', text })
  })

  it('ends at Ctrl-C, and at Ctrl-D when it is empty', () => {
    expect(type('abc\u0003').state).toBe('interrupted')
    expect(type('\u0004').state).toBe('end')
    expect(type('a\u0004b\r')).toEqual({ state: 'done', text: 'ab' })
    expect(type('\r')).toEqual({ state: 'done', text: '' })
  })

  it('reads a pasted key wherever the reads are cut', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[A-Za-z0-9_]{1,50}$/), fc.array(fc.nat(80)), (key, cuts) => {
        const typed = `\u001b[200~${key}\u001b[201~\r`
        const at = [0, ...cuts.map((cut) => Math.min(cut, typed.length - 1)), typed.length]
        at.sort((a, b) => a - b)
        const reads = at.slice(1).map((end, index) => typed.slice(at[index], end))
        expect(type(...reads)).toEqual({ state: 'done', text: key })
      }),
    )
  })

  it('does not grow for ever', () => {
    const line = new SecretLine()
    for (let read = 0; read < 30; read++) line.push('x'.repeat(65_536))
    expect(line.text).toHaveLength(1024 * 1024)
  })
})
