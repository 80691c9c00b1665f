/** What ends in the middle of something: each part, by SIGTERM and by kill -9, under a real command. */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finish, type Ran } from '../convox.ts'
import { eventually } from '../started-console.ts'
import { startWorld, type World } from './started-world.ts'

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.remove())

interface Session {
  id: string
  /** What the command does on the instance, to be found among the processes. */
  mark: string
  child: ChildProcess
  ended: Promise<Ran>
}

let sessions = 0

/** `convox instances ssh`, once the remote command has said something. */
async function openSession(): Promise<Session> {
  const [id = ''] = await world.running()
  sessions += 1
  const mark = `sleep 10${sessions}`
  const child = world.start('instances', 'ssh', id, `echo on; ${mark}`)
  // Its input stays open, as at a terminal.
  const ended = finish(child, { inputStaysOpen: true })
  await once(child.stdout ?? child, 'data')
  return { id, mark, child, ended }
}

const SIGNALS = ['SIGTERM', 'SIGKILL'] as const

describe.each(SIGNALS)('%s in the middle of a session', (signal) => {
  it('ends an instance: the command fails and says so, nothing is left, another one runs', async () => {
    const { id, mark, ended } = await openSession()
    process.kill(await world.pidOf(id), signal)
    const { status, stdout, stderr } = await ended
    // One that is asked to end asks its commands in turn, and tells how they ended.
    if (signal === 'SIGTERM') expect([status, stdout]).toEqual([128 + 15, 'on\n'])
    else
      expect([status, stdout + stderr]).toEqual([1, expect.stringMatching(/^ERROR: .*instance/m)])
    await world.nothingRuns(mark)
    // The session has ended before the Rack knows that the instance has.
    await eventually('another one in its place', async () =>
      (await world.running()).includes(id) ? undefined : true,
    )
  })

  it('ends the Rack: the command fails and says so, nothing is left, the same instances run', async () => {
    const before = await world.running()
    const { mark, ended } = await openSession()
    process.kill(await world.pidOf('rack'), signal)
    const { status, stdout, stderr } = await ended
    // Where output has begun, what a server has to say comes in the same stream (protocol 7.2).
    expect([status, stdout + stderr]).toEqual([1, expect.stringMatching(/^on\nERROR: ./)])
    await world.nothingRuns(mark)
    expect(await world.running()).toEqual(before)
  })

  it('ends the command line: what it had started on the instance ends, and nothing else', async () => {
    const before = await world.running()
    const { mark, child, ended } = await openSession()
    child.kill(signal)
    await ended
    expect(child.signalCode).toBe(signal)
    await world.nothingRuns(mark)
    expect(await world.running()).toEqual(before)
  })

  it('ends the Console while keys are made: every key that it gave out is kept, nothing is left', async () => {
    const before = await world.running()
    const { ended } = await openSession()
    const exited = once(world.server.child, 'exit')
    const renewing = (async () => {
      for (let turn = 0; ; turn += 1) {
        expect((await world.renew()).status).toBe(201)
        if (turn === 3) world.server.child.kill(signal)
      }
    })()
    // The only way out of that loop is the end of the server.
    await expect(renewing).rejects.toThrow(/fetch failed|expected 503/)
    const { status, stderr } = await ended
    expect(status).toBe(1)
    expect(stderr).toMatch(/^ERROR: ./)
    expect(await exited).toEqual(signal === 'SIGTERM' ? [0, null] : [null, signal])
    await world.nothingRuns()

    world.server = await world.server.restart()
    // The key that was being made by the killed one may have replaced the last one; see crash.test.ts.
    if (signal === 'SIGTERM') expect((await world.ask('/auth')).status).toBe(200)
    await world.signInAgain()
    expect((await world.logIn()).status).toBe(0)
    expect(await world.running()).toEqual(before)
  })
})

describe('the command line that is killed in the middle of a change', () => {
  it('leaves a Rack that made it or did not, and takes it again', async () => {
    for (const count of ['4', '3']) {
      const child = world.start('rack', 'scale', '--count', count)
      let shown = ''
      child.stderr?.on('data', (chunk) => {
        shown += chunk
        if (shown.includes('Scaling')) child.kill('SIGKILL')
      })
      await once(child, 'close')
      const { stdout } = await world.run('rack')
      expect(stdout).toMatch(/^Count +[34]$/m)
    }
    expect((await world.run('rack', 'scale', '--count', '3', '--wait')).status).toBe(0)
    await world.running(3)
  })
})
