import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryFolder } from './testing/temporary-folder.ts'
import { writePrivateFile } from './write-private-file.ts'

let temporary: ReturnType<typeof temporaryFolder>
let file: string

beforeEach(() => {
  temporary = temporaryFolder()
  file = join(temporary.path, 'a.key')
})
afterEach(() => temporary.remove())

describe('a private file', () => {
  it('is for this user only, whatever the umask and whatever was there before', () => {
    for (const umask of [0, 0o777]) {
      writeFileSync(file, 'old', { mode: 0o644 })
      const before = process.umask(umask)
      try {
        writePrivateFile(file, 'new ä\n')
      } finally {
        process.umask(before)
      }
      expect(statSync(file).mode & 0o777).toBe(0o600)
      expect(readFileSync(file, 'utf8')).toBe('new ä\n')
    }
    expect(readdirSync(temporary.path)).toEqual(['a.key'])
  })

  it('replaces a link and never writes through it', () => {
    const target = join(temporary.path, 'target')
    writeFileSync(target, 'untouched')
    symlinkSync(target, file)
    writePrivateFile(file, 'secret')
    expect(readFileSync(target, 'utf8')).toBe('untouched')
    expect(readFileSync(file, 'utf8')).toBe('secret')
  })

  it('that cannot be written leaves the old one and no left-over', () => {
    mkdirSync(join(file, 'in the way'), { recursive: true })
    expect(() => writePrivateFile(file, 'x')).toThrow(`cannot use ${file}`)
    expect(readdirSync(temporary.path)).toEqual(['a.key'])
    expect(() => writePrivateFile(join(temporary.path, 'none', 'b'), 'x')).toThrow('cannot use')
  })
})
