/**
 * A limit of nothing for the size of files is the nearest to a full disk without being root, and it
 * can be lifted while the program runs.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { finish, startConvox } from '../convox.ts'
import { processesOf } from '../processes.ts'
import { launcher } from '../started-console.ts'
import { startRack } from '../started-rack.ts'
import { startWorld, type World } from './started-world.ts'

const FULL = ['prlimit', '--fsize=0']
const STDOUT_FULL = ['sh', '-c', 'exec "$0" "$@" >/dev/full']
const DISK = 'the database cannot be used: reading or writing the disk failed; look at the disk'

function limit(pid: number | undefined, size: '0' | 'unlimited'): void {
  execFileSync('prlimit', ['--pid', String(pid), `--fsize=${size}:unlimited`])
}

let world: World
beforeAll(async () => {
  world = await startWorld()
  await world.running()
})
afterAll(() => world.remove())

describe('a disk that is full while', () => {
  it('the Console serves: nothing is acknowledged that was not stored, and what is stored works', async () => {
    const [id = ''] = await world.running()
    limit(world.server.child.pid, '0')
    const refused = await world.renew()
    expect(refused).toMatchObject({ status: 503, error: expect.stringContaining(DISK) })
    // Not even begun, because it could not be put on record.
    const terminate = await world.run('instances', 'terminate', id)
    expect(terminate).toMatchObject({ status: 1, stderr: expect.stringContaining(DISK) })
    expect((await world.run('instances')).stdout).toContain(id)
    expect((await world.renew()).status).toBe(503)

    limit(world.server.child.pid, 'unlimited')
    expect(await world.renew()).toMatchObject({ status: 201 })
    expect((await world.logIn()).status).toBe(0)
    expect(await world.running()).toContain(id)
  })

  it('a Rack serves: its size stays what it acknowledged, and it changes when there is room', async () => {
    const rack = await world.pidOf('rack')
    limit(rack, '0')
    const refused = await world.run('rack', 'scale', '--count', '2')
    expect(refused).toMatchObject({ status: 1, stderr: expect.stringContaining(DISK) })
    expect((await world.run('rack')).stdout).toMatch(/^Count +3$/m)
    await world.running(3)

    limit(rack, 'unlimited')
    expect((await world.run('rack', 'scale', '--count', '2')).status).toBe(0)
    await world.running(2)
  })

  it('an instance is started: another one is, as soon as there is room', async () => {
    const [first = '', ...others] = await world.running(2)
    const rack = await world.pidOf('rack')
    limit(rack, '0')
    process.kill(await world.pidOf(first), 'SIGKILL')
    await world.logged('EFBIG')
    limit(rack, 'unlimited')
    const after = await world.running(2)
    expect(after).not.toContain(first)
    expect(after).toEqual(expect.arrayContaining(others))
  })

  it('a command runs on an instance: the command is told, and its status passed on', async () => {
    const [id = ''] = await world.running(2)
    const ssh = (command: string) => world.run('instances', 'ssh', id, command)
    expect((await ssh('echo before > kept')).status).toBe(0)
    const instance = await world.pidOf(id)
    limit(instance, '0')
    const write = "trap '' XFSZ; { echo more >> kept; } || exit 9"
    expect(await ssh(write)).toMatchObject({
      status: 9,
      stdout: expect.stringMatching(/error|too large/i),
    })
    limit(instance, 'unlimited')
    expect(await ssh('cat kept')).toMatchObject({ status: 0, stdout: 'before\n' })
  })

  it('the command line shows a result: it fails and says so', async () => {
    for (const args of [
      ['instances'],
      ['instances', 'ssh', (await world.running(2))[0] ?? '', 'id'],
    ]) {
      const ran = await finish(startConvox(world.home, args, STDOUT_FULL))
      expect(ran.status, args.join(' ')).toBe(1)
      expect(ran.stderr).toContain('the output cannot be written')
    }
  })
})

describe('a disk that is full at the start of', () => {
  it('the Console: it says which file and what to do, and starts when there is room', async () => {
    const before = await world.running(2)
    await world.server.stop()
    const refused = world.server.restart(FULL)
    await expect(refused).rejects.toThrow(/ERROR: cannot use .*console.*; look at the disk/)
    expect(await world.processes()).toEqual([])
    world.server = await world.server.restart()
    expect(await world.running(2)).toEqual(before)
  })

  it('a Rack: it says which file and what to do, and starts when there is room', async () => {
    const rack = await startRack()
    try {
      const refused = rack.restart('SIGTERM', FULL)
      await expect(refused).rejects.toThrow(/cannot use .*racks.*; look at the disk/)
      expect(await processesOf(rack.folder)).toEqual([])
      const again = await rack.restart()
      expect(again.fingerprint).toBe(rack.fingerprint)
      await again.remove()
    } finally {
      await rack.remove()
    }
  })
})

describe('a disk under standard output that is full', () => {
  it('costs the lines of a Console and its Rack, neither of them their life', async () => {
    const before = await world.running(2)
    await world.server.stop()
    const [program = '', ...args] = [...STDOUT_FULL, process.execPath, launcher]
    const env = { ...world.server.environment, LOG_LEVEL: 'trace' }
    const child = spawn(program, args, { env, stdio: ['ignore', 'ignore', 'ignore'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    const exited = once(child, 'exit')
    expect(await world.running(2)).toEqual(before)
    expect((await world.renew()).status).toBe(201)
    child.kill('SIGTERM')
    expect(await exited).toEqual([0, null])
    expect(await world.processes()).toEqual([])
  })
})
