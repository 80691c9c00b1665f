import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn as spawnPty } from '@lydell/node-pty'
import { describe, expect, it, onTestFinished } from 'vitest'
import { CONVOX, finish, runConvox as run, startConvox as start } from './convox.ts'
import { processes, processesOf } from './processes.ts'
import { eventually } from './started-console.ts'

const LONG = 180_000

/** Somebody on a new machine; whatever was started there is ended after the test. */
function newHome(): string {
  const home = mkdtempSync(join(tmpdir(), 'keyrack-install-'))
  onTestFinished(async () => {
    for (const { pid } of await processesOf(home)) process.kill(pid, 'SIGKILL')
    await nothingRuns(home)
    rmSync(home, { recursive: true, force: true })
  })
  return home
}

function nothingRuns(home: string): Promise<true> {
  return eventually('nothing of it runs', async () =>
    (await processesOf(home)).length === 0 ? true : undefined,
  )
}

const stored = (home: string, file: string): string =>
  readFileSync(join(home, '.convox', file), 'utf8')

function keyOf(home: string): { host: string; key: string } {
  const [[host, key] = []] = Object.entries<string>(JSON.parse(stored(home, 'auth')))
  if (host === undefined || key === undefined) throw new Error('no key is stored')
  return { host, key }
}

interface Listed {
  id: string
  status: string
}

async function instances(home: string): Promise<string[]> {
  return eventually('three running instances', async () => {
    const ran = await run(home, 'instances', '--json')
    if (ran.status !== 0) throw new Error(ran.stderr)
    const list: Listed[] = JSON.parse(ran.stdout)
    const running = list.filter(({ status }) => status === 'running')
    return running.length === 3 ? running.map(({ id }) => id).sort() : undefined
  })
}

/** As on the first day: no file names it, no process belongs to it. */
async function nothingIsLeft(home: string): Promise<void> {
  await nothingRuns(home)
  const folder = join(home, '.convox')
  expect(readdirSync(join(folder, 'installed'))).toEqual([])
  for (const file of ['auth', 'fingerprints', 'current']) {
    if (existsSync(join(folder, file))) expect(stored(home, file)).toBe('{}')
  }
  for (const file of ['host', 'rack', 'lock']) expect(existsSync(join(folder, file))).toBe(false)
}

describe('an installed Rack', () => {
  it(
    'outlives the terminal it was installed at, and shows its key to nobody',
    async () => {
      const home = newHome()
      const pty = spawnPty('/bin/bash', ['-i'], {
        cwd: home,
        env: { PATH: process.env.PATH ?? '', HOME: home, TERM: 'xterm', PS1: '$ ' },
      })
      const closed = new Promise((resolve) => pty.onExit(resolve))
      let shown = ''
      const installed = new Promise<void>((resolve) => {
        pty.onData((data) => {
          shown += data
          if (/Logged in to localhost:\d+\r?\n/.test(shown)) resolve()
        })
      })
      pty.write(`'${process.execPath}' '${CONVOX}' install --name lab\r`)
      await installed
      const { key } = keyOf(home)
      // What a terminal window does when it is closed.
      pty.kill('SIGHUP')
      await closed

      expect(await instances(home)).toHaveLength(3)
      for (const { command, environment } of await processes()) {
        expect(command + environment).not.toContain(key)
      }
      expect(shown).not.toContain(key)
      expect(shown).toContain('Starting local/lab...')
      for (const file of ['auth', 'installed', 'installed/lab', 'installed/lab/log']) {
        expect(statSync(join(home, '.convox', file)).mode & 0o077, file).toBe(0)
      }
      expect((await run(home, 'uninstall', 'lab', '--force')).status).toBe(0)
      await nothingIsLeft(home)
    },
    LONG,
  )

  it(
    'is reached by another person with its host and key, with the same commands',
    async () => {
      const home = newHome()
      expect(await run(home, 'rack', 'install', 'local', 'lab')).toMatchObject({ status: 0 })
      const { host, key } = keyOf(home)
      const fingerprint: string = JSON.parse(stored(home, 'fingerprints'))[host]
      const other = newHome()
      const login = ['login', host, '--password', key, '--fingerprint', fingerprint]
      expect(await run(other, ...login)).toMatchObject({ status: 0 })
      expect((await run(other, 'rack')).stdout).toMatch(/^Name +lab$/m)
      const [first = ''] = await instances(other)
      const ssh = await run(other, 'instances', 'ssh', first, 'echo hi; exit 7')
      expect(ssh).toMatchObject({ status: 7, stdout: 'hi\n' })
      expect((await run(other, 'instances', 'terminate', first)).status).toBe(0)
      expect(await instances(other)).not.toContain(first)
    },
    LONG,
  )

  it(
    'stops and starts under the same address, with the same instances, and leaves nothing running',
    async () => {
      const home = newHome()
      expect(await run(home, 'install', 'local', '--name', 'lab')).toMatchObject({ status: 0 })
      const before = await instances(home)
      const again = await run(home, 'install', '--name', 'lab')
      expect(again).toMatchObject({ status: 1 })
      expect(again.stderr).toContain('there is a Rack local/lab already')

      expect((await run(home, 'rack', 'stop', 'lab')).status).toBe(0)
      await nothingRuns(home)
      expect((await run(home, 'racks')).stdout).toMatch(/^local\/lab +stopped +\*$/m)
      expect((await run(home, 'instances')).status).toBe(1)
      expect((await run(home, 'rack', 'stop', 'lab')).status).toBe(0)

      expect((await run(home, 'rack', 'start', 'lab')).status).toBe(0)
      expect((await run(home, 'rack', 'start', 'lab')).stdout).toContain('is running already')
      expect((await run(home, 'racks')).stdout).toMatch(/^local\/lab +running +\*$/m)
      expect(await instances(home)).toEqual(before)

      // kill -9 of the Rack itself: nothing is hidden, nothing stays, a start brings it back.
      const [pid] = readFileSync(join(home, '.convox/installed/lab/process'), 'utf8').split(' ')
      process.kill(Number(pid), 'SIGKILL')
      await nothingRuns(home)
      expect((await run(home, 'racks')).stdout).toMatch(/^local\/lab +stopped +\*$/m)
      expect((await run(home, 'rack', 'start', 'lab')).status).toBe(0)
      expect(await instances(home)).toEqual(before)
      expect((await run(home, 'uninstall', 'lab', '--force')).status).toBe(0)
      await nothingIsLeft(home)
    },
    LONG,
  )

  it(
    'is made by one of two that install it at once',
    async () => {
      const home = newHome()
      const rans = await Promise.all([
        run(home, 'install', '--name', 'lab'),
        run(home, 'install', '--name', 'lab'),
      ])
      expect(rans.map(({ status }) => status).sort()).toEqual([0, 1])
      const loser = rans.find(({ status }) => status === 1)
      expect(loser?.stderr).toMatch(/another convox .*is at work on local\/lab|already/)
      expect(await instances(home)).toHaveLength(3)
      const racks = (await processesOf(home)).filter(({ command }) => /keyrack-rack/.test(command))
      expect(racks).toHaveLength(1)
    },
    LONG,
  )
})

describe('kill -9 of convox install', () => {
  const MOMENTS = [
    'at once',
    'Saving',
    'Starting',
    'Starting local/lab... OK',
    'Checking',
    'Installed',
  ]

  const AFTER_SAVING = MOMENTS.slice(2)

  it.each(MOMENTS)(
    'leaves what the same command finishes, and what uninstall removes: %s',
    async (moment) => {
      for (const next of ['install', 'uninstall']) {
        const home = newHome()
        mkdirSync(join(home, '.convox'), { mode: 0o700 })
        const child = start(home, ['install', '--name', 'lab'])
        const ended = once(child, 'exit')
        let shown = ''
        await new Promise<void>((resolve) => {
          const look = (chunk = ''): void => {
            shown += chunk
            if (moment === 'at once' || shown.includes(moment)) resolve()
          }
          child.stdout?.on('data', look)
          child.stderr?.on('data', look)
          look()
        })
        child.kill('SIGKILL')
        await ended

        // Nobody has let the Rack go yet, so it ends by itself.
        if (moment === 'Starting') await nothingRuns(home)
        // The key was stored before there was a Rack that wants it, and stays the one.
        const saved = AFTER_SAVING.includes(moment) ? keyOf(home) : undefined
        if (next === 'install') {
          const ran = await run(home, 'install', '--name', 'lab')
          // It may have come to its end before it was killed.
          if (ran.status !== 0) expect(ran.stderr).toContain('there is a Rack local/lab already')
          expect((await run(home, 'rack', 'start', 'lab')).status).toBe(0)
          expect(await instances(home)).toHaveLength(3)
          if (saved !== undefined) expect(keyOf(home)).toEqual(saved)
          expect((await run(home, 'racks')).stdout).toMatch(/^local\/lab +running +\*$/m)
        }
        const removed = await run(home, 'uninstall', 'lab', '--force')
        if (removed.status !== 0) expect(removed.stderr).toContain('there is no Rack local/lab')
        if (existsSync(join(home, '.convox', 'installed'))) await nothingIsLeft(home)
      }
    },
    LONG,
  )

  it(
    'of an uninstall leaves what a second one removes',
    async () => {
      const home = newHome()
      for (const moment of [120, 200, 400]) {
        expect((await run(home, 'install', '--name', 'lab')).status).toBe(0)
        const child = start(home, ['uninstall', 'lab', '--force'])
        const timer = setTimeout(() => child.kill('SIGKILL'), moment)
        await once(child, 'exit')
        clearTimeout(timer)
        const second = await run(home, 'uninstall', 'lab', '--force')
        if (second.status !== 0) expect(second.stderr).toContain('there is no Rack local/lab')
        await nothingIsLeft(home)
      }
    },
    LONG,
  )
})

describe('kill -9 of convox rack start and stop', () => {
  it.each([
    ['start', 'Starting'],
    ['start', 'OK'],
    ['stop', 'Stopping'],
  ])(
    'leaves a Rack that starts again: %s, at %s',
    async (command, moment) => {
      const home = newHome()
      expect((await run(home, 'install', '--name', 'lab')).status).toBe(0)
      const before = await instances(home)
      if (command === 'start') expect((await run(home, 'rack', 'stop', 'lab')).status).toBe(0)
      const child = start(home, ['rack', command, 'lab'])
      const ended = once(child, 'exit')
      let shown = ''
      child.stderr?.on('data', (chunk) => {
        shown += chunk
        if (shown.includes(moment)) child.kill('SIGKILL')
      })
      await ended
      // Whether it stayed or went, it is one or the other.
      await eventually('it runs or it does not', async () => {
        const { stdout } = await run(home, 'racks')
        return /local\/lab +(running|stopped)/.test(stdout) ? true : undefined
      })
      expect((await run(home, 'rack', 'stop', 'lab')).status).toBe(0)
      expect((await run(home, 'rack', 'start', 'lab')).status).toBe(0)
      expect(await instances(home)).toEqual(before)
    },
    LONG,
  )
})

describe('kill -9 of convox rack reset-key', () => {
  it.each(['Stopping', 'Putting', 'Starting'])(
    'leaves a Rack that knows the stored key or the one before, and the same command ends it: at %s',
    async (moment) => {
      const home = newHome()
      expect((await run(home, 'install', '--name', 'lab')).status).toBe(0)
      const works = async (key: string) => {
        const child = start(home, ['rack'], ['env', `CONVOX_PASSWORD=${key}`])
        return (await finish(child)).status === 0
      }
      const killedReset = async () => {
        const child = start(home, ['rack', 'reset-key', 'lab', '--force'])
        const ended = once(child, 'exit')
        let shown = ''
        child.stderr?.on('data', (chunk) => {
          shown += chunk
          if (shown.includes(moment)) child.kill('SIGKILL')
        })
        await ended
        expect(shown).toContain(moment)
      }
      const before = keyOf(home).key
      await killedReset()
      const stored = keyOf(home).key
      expect(stored).not.toBe(before)
      // It may just be stopping.
      await eventually('one of the two keys works', async () => {
        await run(home, 'rack', 'start', 'lab')
        return (await works(stored)) !== (await works(before)) ? true : undefined
      })

      // The Rack ran, so it runs again when the command has come to its end.
      await killedReset()
      const ran = await run(home, 'rack', 'reset-key', 'lab', '--force')
      expect(ran, ran.stderr).toMatchObject({ status: 0 })
      expect(await works(keyOf(home).key)).toBe(true)
      for (const old of [before, stored]) expect(await works(old)).toBe(false)
    },
    LONG,
  )
})

describe('an installation that fails', () => {
  it(
    'says why, and how to go on',
    async () => {
      const home = newHome()
      // A file where the Rack's data belongs, as a full or read-only disk would be.
      mkdirSync(join(home, '.convox', 'installed', 'lab', 'log'), { recursive: true, mode: 0o700 })
      const ran = await run(home, 'install', '--name', 'lab')
      // What an earlier try left is cleared away, so even this one works.
      expect(ran, ran.stderr).toMatchObject({ status: 0 })
      expect((await run(home, 'rack', 'stop', 'lab')).status).toBe(0)
      rmSync(join(home, '.convox/installed/lab/racks/lab/keys'), { recursive: true })
      const failed = await run(home, 'rack', 'start', 'lab')
      expect(failed.status).toBe(1)
      expect(failed.stderr).toMatch(/ERROR: the Rack did not start: .*keys.*log/s)
      await nothingRuns(home)
      expect((await run(home, 'racks')).stdout).toMatch(/local\/lab +stopped/)
    },
    LONG,
  )
})
