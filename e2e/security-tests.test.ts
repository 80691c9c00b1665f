import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const ROOT = fileURLToPath(new URL('../', import.meta.url))
const ROWS = readFileSync(`${ROOT}docs/security.md`, 'utf8')
  .split('\n')
  .filter((line) => /^\| CWE-\d/.test(line))

describe('the table of weaknesses in docs/security.md', () => {
  it('has a row for each that concerns the proxy', () => {
    const numbers = ROWS.flatMap((row) => row.split('|')[1]?.match(/\d+/g) ?? []).map(Number)
    const wanted = [93, 113, 117, 150, 290, 348, 350, 367, 400, 441, 444, 601, 770, 918, 1385]
    expect(numbers.toSorted((a, b) => a - b)).toEqual(wanted)
  })

  it.each(ROWS)('names only tests that are there: %s', (row) => {
    const [, weakness = '', , shownBy = ''] = row.split('|')
    const named = [...shownBy.matchAll(/`([\w./-]+\.test\.ts)` "([^"]+)"/g)]
    expect(named.length).toBeGreaterThan(0)
    for (const [, file = '', title = ''] of named) {
      const path = `${ROOT}${file.startsWith('e2e/') ? file : `packages/${file}`}`
      expect(existsSync(path), path).toBe(true)
      expect(readFileSync(path, 'utf8').replaceAll("\\'", "'"), file).toContain(title)
      // A test that is named here says of itself which weakness it is about.
      const about = weakness.match(/CWE-\d+/g) ?? []
      expect(about.some((one) => title.startsWith(one) || title.includes(` ${one} `))).toBe(true)
    }
  })
})
