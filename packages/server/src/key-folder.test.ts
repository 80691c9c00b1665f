import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { createMasterKey } from '@keyrack/secrets'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type KeyFolderOptions, loadKeyring, writeMasterKey } from './key-folder.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

let temporary: ReturnType<typeof temporaryFolder>
let folder: string
let notices: string[]

beforeEach(() => {
  temporary = temporaryFolder()
  folder = join(temporary.path, 'console', 'keys')
  notices = []
})
afterEach(() => temporary.remove())

const load = (options: Partial<KeyFolderOptions> = {}) =>
  loadKeyring({ folder, createIfMissing: false, notice: (text) => notices.push(text), ...options })

async function refusal(options: Partial<KeyFolderOptions> = {}): Promise<string> {
  try {
    await load(options)
  } catch (error) {
    expect(error).toBeInstanceOf(KeyrackError)
    return errorText(error as KeyrackError)
  }
  return 'it was loaded'
}

const modeOf = (path: string) => statSync(path).mode & 0o777
const onlyFile = () => join(folder, readdirSync(folder)[0] ?? '')

describe('the first start', () => {
  it('makes one key for this user only, says so, and every later one uses it', async () => {
    const made = await load({ createIfMissing: true, now: () => 1_700_000_000_000 })
    expect(readdirSync(folder)).toEqual([`${made.newest.id}.key`])
    expect(modeOf(folder)).toBe(0o700)
    expect(modeOf(onlyFile())).toBe(0o600)
    expect(made.newest.createdAt).toBe(1_700_000_000_000)
    expect(notices).toEqual([expect.stringContaining(made.newest.id)])

    const again = await load({ createIfMissing: true })
    expect(again.ids()).toEqual(made.ids())
    expect(again.newest.key).toEqual(made.newest.key)
    expect(notices).toHaveLength(1)
  })

  it('never prints the key', async () => {
    await load({ createIfMissing: true })
    const [, , , key = 'none'] = readFileSync(onlyFile(), 'utf8').split('.')
    expect(key.length).toBeGreaterThan(40)
    expect(notices.join()).not.toContain(key)
  })
})

describe('a key that is not there', () => {
  it('is never replaced by a new one: the error names it and the folder', async () => {
    expect(await refusal({ neededKeyId: 'abc123' })).toBe(
      `the database was sealed with the master key abc123, which is not in ${folder}; ` +
        'put the file abc123.key back into that folder',
    )
    expect(await refusal()).toContain(`there is no master key in ${folder}`)
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    expect(await refusal()).toContain(`there is no master key in ${folder}`)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('several keys', () => {
  it('are all known, and the newest one seals', async () => {
    const old = createMasterKey(undefined, () => 1000)
    await load({ createIfMissing: true, now: () => 2000 })
    writeMasterKey(folder, old)
    const keyring = await load()
    expect(keyring.ids()).toHaveLength(2)
    expect(keyring.newest.createdAt).toBe(2000)
    expect(keyring.get(old.id)?.key).toEqual(old.key)
  })

  it('are told apart from other files in the folder', async () => {
    const { newest } = await load({ createIfMissing: true })
    writeFileSync(join(folder, 'anchor'), '7')
    writeFileSync(join(folder, `.${newest.id}.key.0123456789ab.tmp`), 'half a k')
    writeFileSync(join(folder, '.hidden.key'), 'x')
    expect((await load()).ids()).toEqual([newest.id])
  })
})

describe('a key file', () => {
  it('that others could read is made private again, with a notice naming it', async () => {
    await load({ createIfMissing: true })
    notices = []
    chmodSync(onlyFile(), 0o644)
    chmodSync(folder, 0o755)
    await load()
    expect(modeOf(onlyFile())).toBe(0o600)
    expect(modeOf(folder)).toBe(0o700)
    expect(notices).toEqual([
      expect.stringContaining(`${folder} could be used by other users (mode 755)`),
      expect.stringContaining(`${onlyFile()} could be used by other users (mode 644)`),
    ])
  })

  it('that is read-only for its owner stays so', async () => {
    await load({ createIfMissing: true })
    chmodSync(onlyFile(), 0o400)
    await load()
    expect(modeOf(onlyFile())).toBe(0o400)
  })

  it.each([
    ['empty', () => ''],
    ['cut off', (text: string) => text.slice(0, -9)],
    [
      'changed in one place',
      (text: string) => text.replace(/.(?=.{30}$)/s, (c) => (c === 'A' ? 'B' : 'A')),
    ],
    ['something else', () => 'hello'],
  ])('that is %s stops the start with its name and no new key', async (_what, damage) => {
    await load({ createIfMissing: true })
    const text = readFileSync(onlyFile(), 'utf8')
    writeFileSync(onlyFile(), damage(text))
    const refused = await refusal({ createIfMissing: true })
    expect(refused).toContain(`the master key file ${onlyFile()} is damaged`)
    expect(refused).toContain('do not delete it')
    expect(readdirSync(folder)).toHaveLength(1)
  })

  it('under a wrong name stops the start', async () => {
    const { newest } = await load({ createIfMissing: true })
    renameSync(onlyFile(), join(folder, 'renamed.key'))
    expect(await refusal()).toContain(`holds the key ${newest.id}`)
  })

  it('that cannot be read stops the start with its name', async () => {
    await load({ createIfMissing: true })
    mkdirSync(join(folder, 'folder.key'), { mode: 0o700 })
    expect(await refusal()).toContain(
      `the master key file ${join(folder, 'folder.key')} cannot be read`,
    )
  })
})
