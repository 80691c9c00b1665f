import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { COMMANDS } from './command-table.ts'
import { readEnvironment } from './config.ts'
import { groupedNames } from './help.ts'
import { reference } from './reference.ts'

const FILE = new URL('../../../docs/reference.md', import.meta.url)

it('docs/reference.md is what the help says now; if not: npm run reference', async () => {
  expect(readFileSync(FILE, 'utf8')).toBe(await reference(readEnvironment({})))
})

it('the first page and the reference have every command, once', () => {
  expect(groupedNames().toSorted()).toEqual(Object.keys(COMMANDS).toSorted())
})
