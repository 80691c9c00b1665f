import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { isClaim, withLock } from './lock.ts'

const BUILT = new URL('../../dist/config-folder/lock.js', import.meta.url).href

/** Enters the lock again and again, and leaves a `violation` behind if it is not alone inside. */
const CONTENDER = `
  const { withLock } = await import(process.argv[1])
  const { readFileSync, readlinkSync, symlinkSync, unlinkSync, writeFileSync } = await import('node:fs')
  const folder = process.argv[2]
  // Who was killed may wait for a while to be collected by the parent.
  const isAlive = (pid) => {
    try { return !/^\\d+ \\(.*\\) Z/.test(readFileSync('/proc/' + pid + '/stat', 'utf8')) } catch { return false }
  }
  for (let round = 0; round < Number(process.argv[3]); round++) {
    await withLock(folder + '/lock', () => {
      // A link, as a file of somebody who was killed could be empty still.
      const inside = folder + '/inside'
      try {
        symlinkSync(String(process.pid), inside)
      } catch {
        const other = Number(readlinkSync(inside))
        if (isAlive(other)) writeFileSync(folder + '/violation', other + ' and ' + process.pid)
        unlinkSync(inside)
        symlinkSync(String(process.pid), inside)
      }
      for (let turn = 0; turn < 20000; turn++) Math.sqrt(turn)
      unlinkSync(inside)
    }, { waitMs: 60_000 })
    process.stdout.write('.')
  }
`

function contend(folder: string, rounds: number) {
  const args = ['--input-type=module', '-e', CONTENDER, BUILT, folder, String(rounds)]
  return spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
}

describe('the lock of the configuration folder', () => {
  it('lets one process in at a time, whichever of them are killed inside', async () => {
    const folder = temporaryFolder()
    const workers = Array.from({ length: 4 }, () => contend(folder, 60))
    const victims = Array.from({ length: 6 }, () => contend(folder, 1_000_000))
    const ends = workers.map((worker) => once(worker, 'close'))
    for (const [index, victim] of victims.entries()) {
      // Killed in the middle of its work: after its nth turn, wherever that finds it.
      let turns = 0
      victim.stdout.on('data', (data: Buffer) => {
        turns += data.length
        if (turns > index * 3) victim.kill('SIGKILL')
      })
    }
    await Promise.all(victims.map((victim) => once(victim, 'exit')))
    await Promise.all(ends)
    expect(workers.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0])
    const violation = join(folder, 'violation')
    expect(existsSync(violation) ? readFileSync(violation, 'utf8') : 'none').toBe('none')
    expect(existsSync(join(folder, 'lock'))).toBe(false)
  })

  it('is taken over from a process that is dead', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'lock')
    symlinkSync(`${hostname()}:${await deadProcess()}::abc`, path)
    expect(await withLock(path, () => 'in')).toBe('in')
    expect(readdirSync(folder)).toEqual([])
  })

  it('is taken over when the process number has been given to somebody else', async () => {
    const path = join(temporaryFolder(), 'lock')
    symlinkSync(`${hostname()}:${process.pid}:1:abc`, path)
    expect(await withLock(path, () => 'in')).toBe('in')
  })

  it('is taken over although somebody died while taking it over', async () => {
    const folder = temporaryFolder()
    const path = join(folder, 'lock')
    const dead = `${hostname()}:${await deadProcess()}:`
    symlinkSync(`${dead}:one`, path)
    const { createHash } = await import('node:crypto')
    const digest = createHash('sha256').update(`${dead}:one`).digest('hex').slice(0, 16)
    symlinkSync(`${dead}:two`, `${path}.${digest}`)
    expect(await withLock(path, () => 'in')).toBe('in')
    expect(readdirSync(folder)).toEqual([])
  })

  it('is respected when its holder is alive, elsewhere or unknown, and the error names the file', async () => {
    for (const make of [
      (path: string) => symlinkSync(`${hostname()}:${process.pid}::abc`, path),
      (path: string) => symlinkSync(`another-machine:${2 ** 22}::abc`, path),
      (path: string) => writeFileSync(path, 'somebody'),
    ]) {
      const path = join(temporaryFolder(), 'lock')
      make(path)
      const waiting = withLock(path, () => 'in', { waitMs: 50 })
      await expect(waiting).rejects.toMatchObject({ hint: expect.stringContaining(path) })
      expect(readdirSync(join(path, '..'))).toEqual(['lock'])
    }
  })

  it('is given back when the work fails', async () => {
    const folder = temporaryFolder()
    const failing = withLock(join(folder, 'lock'), () => {
      throw new Error('no')
    })
    await expect(failing).rejects.toThrow('no')
    expect(readdirSync(folder)).toEqual([])
  })

  it('knows the names of its own leftovers', () => {
    expect(isClaim('lock.0123456789abcdef', 'lock')).toBe(true)
    expect(isClaim('lock.0123456789abcdef.0123456789abcdef', 'lock')).toBe(true)
    for (const name of ['lock', 'lock.old', 'auth.0123456789abcdef', 'lock.0123456789ABCDEF']) {
      expect(isClaim(name, 'lock')).toBe(false)
    }
  })
})

async function deadProcess(): Promise<number> {
  const child = spawn('true')
  await once(child, 'exit')
  return child.pid ?? 0
}
