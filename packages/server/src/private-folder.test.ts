import { chmodSync, chownSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { folderFailure, privateFolder, tightenMode } from './private-folder.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

let temporary: ReturnType<typeof temporaryFolder>
let notices: string[]
const notice = (text: string) => void notices.push(text)
const modeOf = (path: string) => statSync(path).mode & 0o777

beforeEach(() => {
  temporary = temporaryFolder()
  notices = []
})
afterEach(() => temporary.remove())

describe('a private folder', () => {
  it('is made with all its parents for this user only, whatever the umask', () => {
    const before = process.umask(0)
    try {
      privateFolder(join(temporary.path, 'a', 'b', 'c'), notice)
    } finally {
      process.umask(before)
    }
    for (const path of ['a', 'a/b', 'a/b/c']) expect(modeOf(join(temporary.path, path))).toBe(0o700)
    expect(notices).toEqual([])
  })

  it('that others could enter is closed to them, with a notice; a second time says nothing', () => {
    const path = join(temporary.path, 'open')
    mkdirSync(path)
    chmodSync(path, 0o755)
    privateFolder(path, notice)
    privateFolder(path, notice)
    expect(modeOf(path)).toBe(0o700)
    expect(notices).toEqual([`${path} could be used by other users (mode 755); took that away`])
  })

  it('that cannot be made is a sentence with the reason', () => {
    const file = join(temporary.path, 'file')
    writeFileSync(file, '')
    expect(() => privateFolder(join(file, 'below'))).toThrow('a part of that path is not a folder')
    expect(() => privateFolder(file)).toThrow('there is something else under that name')
  })
})

describe('tightenMode', () => {
  it('only ever takes rights away', () => {
    const file = join(temporary.path, 'file')
    writeFileSync(file, '')
    for (const [before, after] of [
      [0o644, 0o600],
      [0o440, 0o400],
      [0o777, 0o600],
      [0o400, 0o400],
    ] as const) {
      chmodSync(file, before)
      tightenMode(file, 0o600, notice)
      expect(modeOf(file)).toBe(after)
    }
  })
})

describe('the owner', () => {
  it.runIf(process.getuid?.() === 0)('has to be this user, also for the superuser', () => {
    const folder = join(temporary.path, 'theirs')
    mkdirSync(folder, { mode: 0o700 })
    chownSync(folder, 65534, 65534)
    const refused = `${folder} belongs to another user (uid 65534)`
    expect(() => privateFolder(folder, notice)).toThrow(refused)
    expect(notices).toEqual([])
  })

  it('may be the superuser or this user, and nobody else', () => {
    const file = join(temporary.path, 'file')
    writeFileSync(file, '')
    const { uid } = statSync(file)
    expect(() => tightenMode(file, 0o600, notice, uid)).not.toThrow()
    const other = () => tightenMode(file, 0o600, notice, uid + 1)
    if (uid === 0) expect(other).not.toThrow()
    else expect(other).toThrow(`belongs to another user (uid ${uid})`)
  })
})

describe('folderFailure', () => {
  it.each([
    ['EROFS', 'that file system is read-only'],
    ['ENOSPC', 'the disk is full'],
    ['EACCES', 'this user may not write there'],
    ['EFBIG', 'files may not grow that large here'],
    ['EWHAT', 'the system said EWHAT'],
  ])('says what %s means and keeps the error as its cause', (code, text) => {
    const cause = Object.assign(new Error(code), { code })
    const failure = folderFailure('/data', cause)
    expect(failure).toBeInstanceOf(KeyrackError)
    expect(errorText(failure)).toContain(`cannot use /data: ${text}`)
    expect(failure.cause).toBe(cause)
  })
})
