import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { MOMENTS, PARTS } from './cells/cell.ts'
import { FAULTS, MATRIX } from './matrix.ts'
import { renderMatrix } from './render-matrix.ts'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const CELLS = FAULTS.flatMap((fault) =>
  PARTS.flatMap((part) =>
    MOMENTS.map((moment) => ({ fault, part, moment, cell: MATRIX[fault][part][moment] })),
  ),
)

describe('docs/fault-matrix.md', () => {
  it('is what its source says', async () => {
    await expect(renderMatrix()).toMatchFileSnapshot(`${ROOT}docs/fault-matrix.md`)
  })

  it.each(CELLS)('shows, excuses or admits $fault, $part $moment', ({ cell }) => {
    const { shownBy, none, open } = cell
    const told = [shownBy, none, open].filter((value) => value !== undefined)
    expect(told).toHaveLength(1)
    expect(told[0]?.length).toBeGreaterThan(0)
  })

  it.each(CELLS)('names only tests that are there: $fault, $part $moment', ({ cell }) => {
    for (const [file, ...titles] of cell.shownBy ?? []) {
      expect(existsSync(`${ROOT}${file}`), file).toBe(true)
      const text = readFileSync(`${ROOT}${file}`, 'utf8').replaceAll("\\'", "'")
      expect(titles.length, file).toBeGreaterThan(0)
      // As a whole name: a part of another one shows nothing.
      for (const title of titles) expect(text, file).toMatch(quoted(title))
    }
  })
})

function quoted(title: string): RegExp {
  const text = title.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')
  return new RegExp(`(['"\`])${text}\\1`)
}
