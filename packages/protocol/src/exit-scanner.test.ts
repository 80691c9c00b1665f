import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExitScanner } from './exit-scanner.ts'
import { EXIT_MARKER, exitFrame } from './stream.ts'

function scan(chunks: readonly (string | Buffer)[]): { output: Buffer; code: number | undefined } {
  const scanner = new ExitScanner()
  const output = chunks.map((chunk) => scanner.push(Buffer.from(chunk)))
  output.push(scanner.flush())
  return { output: Buffer.concat(output), code: scanner.code }
}

/** Cuts bytes at the given positions. */
function cutAt(bytes: Buffer, positions: readonly number[]): Buffer[] {
  const sorted = [0, ...positions.map((at) => at % (bytes.length + 1)).sort((a, b) => a - b)]
  return sorted.map((from, index) => bytes.subarray(from, sorted[index + 1] ?? bytes.length))
}

/** Output that likes to look like the marker. */
const output = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
      fc.nat({ max: EXIT_MARKER.length }).map((n) => Buffer.from(EXIT_MARKER.slice(0, n))),
      fc.constantFrom(EXIT_MARKER, `${EXIT_MARKER}x\n`, `${EXIT_MARKER}12`, '\n').map(Buffer.from),
      fc.integer().map((code) => Buffer.from(exitFrame(code))),
    ),
    { maxLength: 8 },
  )
  .map((parts) => Buffer.concat(parts))
const cuts = fc.array(fc.nat(), { maxLength: 20 })
const codes = fc.integer({ min: -2_147_483_648, max: 2_147_483_647 })

describe('ExitScanner', () => {
  it('finds the code and gives the output before it, however the stream is cut', () => {
    fc.assert(
      fc.property(output, codes, cuts, (before, code, positions) => {
        const bytes = Buffer.concat([before, Buffer.from(exitFrame(code))])
        const found = scan(cutAt(bytes, positions))
        expect(found.code).toBe(code)
        expect(found.output.equals(before)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('gives every byte of a stream that ends in anything else', () => {
    fc.assert(
      fc.property(output, cuts, (before, positions) => {
        const bytes = Buffer.concat([before, Buffer.from('.')])
        const found = scan(cutAt(bytes, positions))
        expect(found.code).toBeUndefined()
        expect(found.output.equals(bytes)).toBe(true)
      }),
      { numRuns: 500 },
    )
  })

  it('finds a marker that is cut at any one byte', () => {
    const bytes = Buffer.from(`abc${exitFrame(-17)}`)
    for (let at = 0; at <= bytes.length; at++) {
      const found = scan([bytes.subarray(0, at), bytes.subarray(at)])
      expect(found, `cut at ${at}`).toEqual({ output: Buffer.from('abc'), code: -17 })
    }
  })

  it('finds a marker that comes byte by byte', () => {
    const bytes = [...Buffer.from(`abc${exitFrame(130)}`)].map((byte) => Buffer.from([byte]))
    expect(scan(bytes)).toEqual({ output: Buffer.from('abc'), code: 130 })
  })

  it.each([
    ['a carriage return', `${EXIT_MARKER}3\r\n`, 3],
    ['no newline at the end', `${EXIT_MARKER}3`, 3],
    ['zero', `${EXIT_MARKER}0\n`, 0],
    ['negative zero', `${EXIT_MARKER}-0\n`, 0],
    ['the lowest number', `${EXIT_MARKER}-2147483648\r\n`, -2147483648],
  ])('reads %s', (_name, text, code) => {
    expect(scan([text])).toEqual({ output: Buffer.alloc(0), code })
  })

  it.each([
    ['no number', `${EXIT_MARKER}\n`],
    ['nothing', EXIT_MARKER],
    ['a sign alone', `${EXIT_MARKER}-\n`],
    ['a word', `${EXIT_MARKER}seven\n`],
    ['a space', `${EXIT_MARKER} 7\n`],
    ['a number that no process has', `${EXIT_MARKER}12345678901\n`],
    ['another case', exitFrame(1).toLowerCase()],
  ])('a marker with %s is output', (_name, text) => {
    expect(scan([text])).toEqual({ output: Buffer.from(text), code: undefined })
  })

  it('a program that prints a marker and goes on does not end itself', () => {
    const text = `${exitFrame(0)}and more\n`
    expect(scan([text, exitFrame(9)])).toEqual({ output: Buffer.from(text), code: 9 })
    expect(scan([exitFrame(0), 'and more\n', exitFrame(9)])).toEqual({
      output: Buffer.from(text),
      code: 9,
    })
  })

  it('knows the code as soon as its line is complete', () => {
    const scanner = new ExitScanner()
    scanner.push(Buffer.from(exitFrame(4)))
    expect(scanner.code).toBe(4)
  })

  it('delays no byte that cannot belong to a marker', () => {
    const scanner = new ExitScanner()
    expect(scanner.push(Buffer.from('prompt$ '))).toEqual(Buffer.from('prompt$ '))
    expect(scanner.push(Buffer.from('F1E4'))).toEqual(Buffer.alloc(0))
    expect(scanner.push(Buffer.from('!'))).toEqual(Buffer.from('F1E4!'))
  })

  it('takes a megabyte of markers in one chunk', () => {
    const bytes = Buffer.from(`${EXIT_MARKER}x`.repeat(30_000))
    expect(scan([bytes]).output.equals(bytes)).toBe(true)
  })
})
