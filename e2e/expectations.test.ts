import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../', import.meta.url))

describe.each([
  { document: 'docs/cli-expectations.md', folder: 'packages/cli/src/', count: 32 },
  { document: 'docs/web-expectations.md', folder: 'packages/console/src/web/', count: 27 },
])('$document', ({ document, folder, count }) => {
  const rows = readFileSync(`${ROOT}${document}`, 'utf8')
    .split('\n')
    .filter((line) => /^\| \d+ \|/.test(line))

  it('has a row for each expectation, in order', () => {
    const numbers = rows.map((row) => Number(row.split('|')[1]))
    expect(numbers).toEqual(Array.from({ length: count }, (_, index) => index + 1))
  })

  it.each(rows)('names only tests that are there: %s', (row) => {
    const [state = '', shownBy = ''] = row.split('|').slice(3)
    const named = [...shownBy.matchAll(/`([\w./-]+\.(?:test\.ts|session))` "([^"]+)"/g)]
    for (const [, file = '', title = ''] of named) {
      const path = `${ROOT}${/^(e2e|packages)\//.test(file) ? file : `${folder}${file}`}`
      expect(existsSync(path), path).toBe(true)
      expect(readFileSync(path, 'utf8').replaceAll("\\'", "'"), file).toContain(title)
    }
    // A tick without a test is none.
    if (!state.includes('open')) expect(named.length).toBeGreaterThan(0)
    if (state.includes('partly')) expect(shownBy).toContain('**open**')
  })
})
