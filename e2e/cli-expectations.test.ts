import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const ROWS = readFileSync(`${ROOT}docs/cli-expectations.md`, 'utf8')
  .split('\n')
  .filter((line) => /^\| \d+ \|/.test(line))

describe('docs/cli-expectations.md', () => {
  it('has a row for each expectation, in order', () => {
    const numbers = ROWS.map((row) => Number(row.split('|')[1]))
    expect(numbers).toEqual(Array.from({ length: 32 }, (_, index) => index + 1))
  })

  it.each(ROWS)('names only tests that are there: %s', (row) => {
    const [state = '', shownBy = ''] = row.split('|').slice(3)
    const named = [...shownBy.matchAll(/`([\w./-]+\.(?:test\.ts|session))` "([^"]+)"/g)]
    for (const [, file = '', title = ''] of named) {
      const path = `${ROOT}${file.startsWith('e2e/') ? file : `packages/cli/src/${file}`}`
      expect(existsSync(path), path).toBe(true)
      expect(readFileSync(path, 'utf8').replaceAll("\\'", "'"), file).toContain(title)
    }
    // A tick without a test is none.
    if (!state.includes('open')) expect(named.length).toBeGreaterThan(0)
    if (state.includes('partly')) expect(shownBy).toContain('**open**')
  })
})
