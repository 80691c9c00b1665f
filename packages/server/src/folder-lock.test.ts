import { chmodSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { errorText, KeyrackError } from '@keyrack/protocol'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { lockFolder } from './folder-lock.ts'
import { openStore } from './store/open-store.ts'
import { startProgram } from './testing/child-program.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.remove())

function refusal(path: string): string {
  try {
    lockFolder(path, 'Console').release()
  } catch (error) {
    expect(error).toBeInstanceOf(KeyrackError)
    return errorText(error as KeyrackError)
  }
  return 'it was locked'
}

function holder() {
  const child = startProgram('hold-lock', [folder.path])
  onTestFinished(() => void child.process.kill('SIGKILL'))
  return child
}

describe('a locked folder', () => {
  it('is refused to another process, which is told what to do', async () => {
    const lock = lockFolder(folder.path, 'Console')
    onTestFinished(() => lock.release())
    const child = holder()
    await child.ended
    expect(child.output()).toBe(
      `conflict: another Console is using the folder ${folder.path}; ` +
        'stop it, or set DATA_DIR to another folder\n',
    )
  })

  it('is refused to the process that holds it already, and stays held', async () => {
    const lock = lockFolder(folder.path, 'Console')
    expect(refusal(folder.path)).toContain('another Console')
    const child = holder()
    await child.ended
    expect(child.output()).toContain('conflict')
    lock.release()
    expect(refusal(folder.path)).toBe('it was locked')
  })

  it('is free as soon as its holder is killed', async () => {
    for (let round = 0; round < 3; round += 1) {
      const child = holder()
      await child.printed('locked')
      expect(refusal(folder.path)).toContain('another Console')
      child.process.kill('SIGKILL')
      await child.ended
      expect(refusal(folder.path)).toBe('it was locked')
    }
  })

  it('is free after its release, which can be repeated', async () => {
    const lock = lockFolder(folder.path, 'Console')
    lock.release()
    lock.release()
    const child = holder()
    await child.printed('locked')
  })

  it('is made with a private lock file when it does not exist', () => {
    const path = join(folder.path, 'new', 'console')
    const lock = lockFolder(path, 'Rack')
    onTestFinished(() => lock.release())
    expect(statSync(path).mode & 0o777).toBe(0o700)
    expect(statSync(join(path, 'lock')).mode & 0o777).toBe(0o600)
  })

  it('that others could enter is still noticed by the store that is opened in it', async () => {
    chmodSync(folder.path, 0o755)
    const lock = lockFolder(folder.path, 'Console')
    onTestFinished(() => lock.release())
    const notices: string[] = []
    const notice = (text: string) => void notices.push(text)
    await (await openStore({ file: join(folder.path, 'db'), migrations: [], notice })).close()
    expect(notices).toEqual([
      expect.stringContaining(`${folder.path} could be used by other users`),
    ])
    expect(statSync(folder.path).mode & 0o777).toBe(0o700)
  })

  it('does not hold its neighbours', () => {
    const locks = ['a', 'b'].map((name) => lockFolder(join(folder.path, name), 'Rack'))
    for (const lock of locks) lock.release()
  })
})
