import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { loadKeyring } from '@keyrack/server'
import { describe, expect, it } from 'vitest'
import { consoleId } from './console-id.ts'
import { createKey } from './create-key.ts'
import { testFolder } from './testing/console-domain.ts'

describe('keys create', () => {
  it('makes a key that a Console starts with, for this user only, and names it', async () => {
    const folder = join(testFolder(), 'keys')
    const said = createKey(folder)
    const { newest } = await loadKeyring({ folder, createIfMissing: false })
    expect(said).toContain(newest.id)
    expect(said).toContain(folder)
    expect(said).not.toContain(Buffer.from(newest.key).toString('base64url'))
    expect(statSync(join(folder, `${newest.id}.key`)).mode & 0o777).toBe(0o600)
    expect(statSync(folder).mode & 0o777).toBe(0o700)
  })

  it('keeps the keys that are there', () => {
    const folder = join(testFolder(), 'keys')
    createKey(folder)
    const [first] = readdirSync(folder)
    createKey(folder)
    expect(readdirSync(folder)).toHaveLength(2)
    expect(readdirSync(folder)).toContain(first)
  })
})

describe('the id of a Console', () => {
  it('is its own and stays', () => {
    const folders = [testFolder(), testFolder()]
    const [first = '', second = ''] = folders.map(consoleId)
    expect(first).toMatch(/^[0-9a-f]{24}-$/)
    expect(second).not.toBe(first)
    expect(folders.map(consoleId)).toEqual([first, second])
  })
})
