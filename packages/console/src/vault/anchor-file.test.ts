import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testFolder } from '../testing/console-domain.ts'
import { raiseAnchor, readAnchor, writeAnchor } from './anchor-file.ts'

const ANCHOR = { lineage: 'ab'.repeat(12), number: 41 }

describe('the anchor file', () => {
  it('holds the last number, for this user only', () => {
    const file = join(testFolder(), 'keys', 'anchor')
    expect(readAnchor(file)).toBeUndefined()
    writeAnchor(file, ANCHOR)
    expect(readAnchor(file)).toEqual(ANCHOR)
    expect(statSync(file).mode & 0o777).toBe(0o600)
  })

  it('is raised and never lowered, but to another lineage', () => {
    const file = join(testFolder(), 'anchor')
    raiseAnchor(file, ANCHOR)
    raiseAnchor(file, { ...ANCHOR, number: 40 })
    expect(readAnchor(file)?.number).toBe(41)
    raiseAnchor(file, { ...ANCHOR, number: 42 })
    expect(readAnchor(file)?.number).toBe(42)
    const other = { lineage: 'cd'.repeat(12), number: 1 }
    raiseAnchor(file, other)
    expect(readAnchor(file)).toEqual(other)
  })

  it('that was cut, emptied or edited is refused, with the way out named', () => {
    const file = join(testFolder(), 'anchor')
    writeAnchor(file, ANCHOR)
    const good = readFileSync(file, 'utf8')
    for (const text of [
      '',
      good.slice(0, -4),
      good.replace('.41.', '.14.'),
      '\0\0',
      `${good}${good}`,
    ]) {
      writeFileSync(file, text)
      expect(() => readAnchor(file)).toThrow('is damaged')
    }
    expect(existsSync(file)).toBe(true)
  })
})
