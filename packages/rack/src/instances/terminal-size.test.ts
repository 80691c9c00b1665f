import { describe, expect, it } from 'vitest'
import { terminalSize } from './terminal-size.ts'

describe('the size of a terminal', () => {
  it('is none without a Height, so that no pty is made', () => {
    expect(terminalSize(undefined, undefined)).toBeUndefined()
    expect(terminalSize(undefined, '80')).toBeUndefined()
  })

  it('is what the headers say', () => {
    expect(terminalSize('50', '132')).toEqual({ rows: 50, columns: 132 })
  })

  it('is 24 by 80 where the client does not know it', () => {
    expect(terminalSize('0', '0')).toEqual({ rows: 24, columns: 80 })
    expect(terminalSize('50', undefined)).toEqual({ rows: 50, columns: 80 })
  })

  it.each([
    ['-1', '80', 'Height'],
    ['', '80', 'Height'],
    ['1e3', '80', 'Height'],
    ['10001', '80', 'Height'],
    ['24', 'wide', 'Width'],
  ])('is refused as %s by %s, naming the header', (height, width, field) => {
    expect(() => terminalSize(height, width)).toThrow(expect.objectContaining({ field }))
  })
})
