/** What a network does to real programs: between a person and the Console, and between it and a Rack. */
import { once } from 'node:events'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { finish } from '../convox.ts'
import { basic, eventually } from '../started-console.ts'
import { type StartedRack, startRack } from '../started-rack.ts'
import { type Relay, startRelay } from './relay.ts'
import { startWorld, type World } from './started-world.ts'

const BY = ['end', 'reset'] as const
/** Places in an answer, as parts of the whole: within the TLS handshake, the head and the body. */
const PLACES = [0, 0.3, 0.7, 0.9, 0.95]

let world: World
let rack: StartedRack
/** Between the command line and the Console. */
let near: Relay
/** Between the Console and the Rack `acme/lab`. */
let far: Relay
const portOf = (host: string) => Number(host.split(':')[1])

beforeAll(async () => {
  ;[world, rack] = await Promise.all([startWorld(), startRack()])
  near = await startRelay(portOf(world.server.host))
  far = await startRelay(portOf(rack.host))
  expect((await world.logIn(near.host)).status).toBe(0)
  const { key, fingerprint } = rack
  const body = JSON.stringify({
    organization: 'acme',
    name: 'lab',
    host: far.host,
    key,
    fingerprint,
  })
  const headers = { 'Content-Type': 'application/json' }
  const added = await world.ask('/api/racks', { method: 'POST', headers, body })
  expect(added.status).toBe(201)
  await world.running()
})
afterAll(async () => {
  await Promise.all([near.close(), far.close()])
  await Promise.all([world.remove(), rack.remove()])
})

/** A read of the Rack behind `far`, asked of the Console as any client does. */
async function lab(path = '/system'): Promise<{ status: number; text: string }> {
  const headers = { Authorization: basic(world.key), Rack: 'acme/lab' }
  const answer = await fetch(`${world.server.web}${path}`, { headers })
  return { status: answer.status, text: await answer.text() }
}

describe('an answer of the Console that is cut', () => {
  it('at any place is a failure for the command line, or arrived whole: never a part of it', async () => {
    // The Console's own answer; and a Rack's, whose head comes apart, and of which any part is text.
    for (const args of [
      ['racks', '--json'],
      ['api', 'get', '/system'],
    ]) {
      near.fault()
      const whole = await world.run(...args)
      const length = near.passed()
      expect(whole.status).toBe(0)
      let failures = 0
      for (const [index, place] of PLACES.entries()) {
        near.fault({ cutAfter: Math.floor(length * place), by: BY[index % 2] ?? 'end' })
        const ran = await world.run(...args)
        if (ran.status === 0) expect(ran.stdout).toBe(whole.stdout)
        else {
          failures += 1
          expect([ran.status, ran.stdout]).toEqual([1, ''])
          expect(ran.stderr).toMatch(/^ERROR: .*localhost/)
        }
      }
      expect(failures).toBeGreaterThanOrEqual(3)
      near.fault()
      expect(await world.run(...args)).toEqual(whole)
    }
  })

  it('in a command on an instance is never its exit status, and the command ends there', async () => {
    const [id = ''] = await world.running()
    const args = ['instances', 'ssh', id, 'seq 20000; echo end; exit 0; # cut']
    near.fault()
    const whole = await world.run(...args)
    const length = near.passed()
    expect(whole).toMatchObject({ status: 0, stdout: expect.stringMatching(/\nend\n$/) })
    for (const [index, place] of [0.1, 0.5, 0.97].entries()) {
      near.fault({ cutAfter: Math.floor(length * place), by: BY[index % 2] ?? 'end' })
      const ran = await world.run(...args)
      expect(ran.status).toBe(1)
      expect(ran.stderr).toMatch(/^ERROR: ./m)
      expect(whole.stdout.startsWith(ran.stdout)).toBe(true)
    }
    await world.nothingRuns('# cut')
    near.fault()
  })

  it('after a change is told as a failure, and the same command again is safe', async () => {
    const scale = (count: string) => world.run('rack', 'scale', '--count', count)
    near.fault()
    expect((await scale('3')).status).toBe(0)
    // The end of the answer does not arrive, which tells nothing about the change.
    near.fault({ cutAfter: near.passed() - 100 })
    const cut = await scale('2')
    expect(cut).toMatchObject({ status: 1, stderr: expect.stringMatching(/^ERROR: .*localhost/m) })
    near.fault()
    await world.running(2)
    expect((await scale('2')).status).toBe(0)
    await world.running(2)
    expect((await scale('3')).status).toBe(0)
    await world.running()
  })
})

describe('a network between command line and Console', () => {
  it('that is gone is told with the host, and what was under way ends; when it is back, all works', async () => {
    const [id = ''] = await world.running()
    const shell = world.start('instances', 'ssh', id, 'echo on; sleep 2001')
    const ended = finish(shell, { inputStaysOpen: true })
    await once(shell.stdout ?? shell, 'data')
    await near.down()
    const { status, stderr } = await ended
    expect(status).toBe(1)
    expect(stderr).toMatch(/^ERROR: ./)
    const ran = await world.run('racks')
    expect(ran.status).toBe(1)
    expect(ran.stderr).toMatch(/^ERROR: .*localhost:\d+/)
    // The other side has noticed too: nothing waits there for somebody who is gone.
    await world.nothingRuns('sleep 2001')
    await near.up()
    expect((await world.run('racks')).status).toBe(0)
  })

  it('that is slow loses nothing: every byte arrives, however late', async () => {
    near.fault({ drip: 64 })
    expect((await world.run('racks')).stdout).toMatch(/^acme\/dev +running/m)
    const [id = ''] = await world.running()
    const ran = await world.run('instances', 'ssh', id, 'seq 2000; exit 3')
    expect(ran.status).toBe(3)
    expect(ran.stdout).toBe(Array.from({ length: 2000 }, (_, n) => `${n + 1}\n`).join(''))
    near.fault()
  })

  it('that stands still holds up nobody else, and gives everything when it moves again', async () => {
    const [id = ''] = await world.running()
    const whole = 'x'.repeat(200_000)
    near.fault({ holdAfter: 20_000 })
    const held = world.run('instances', 'ssh', id, `head -c ${whole.length} /dev/zero | tr '\\0' x`)
    await eventually('the answer is held', () => (near.held() > 0 ? true : undefined))
    expect((await world.ask('/instances')).status).toBe(200)
    near.fault()
    expect(await held).toEqual({ status: 0, stdout: whole, stderr: '' })
  })
})

describe('an answer of a Rack that is cut', () => {
  it('at any place is a failure for its client, or arrived whole: never a part of it', async () => {
    far.cut()
    far.fault()
    const whole = await lab()
    const length = far.passed()
    expect(whole.status).toBe(200)
    let failures = 0
    for (const [index, place] of PLACES.entries()) {
      far.cut()
      far.fault({ cutAfter: Math.floor(length * place), by: BY[index % 2] ?? 'end' })
      const answer = await lab().catch(() => undefined)
      if (answer?.status === 200) expect(answer.text).toBe(whole.text)
      else failures += 1
      if (answer !== undefined && answer.status !== 200) {
        expect(answer.status).toBeGreaterThanOrEqual(502)
        expect(JSON.parse(answer.text)).toMatchObject({
          error: expect.stringContaining('acme/lab'),
        })
      }
    }
    expect(failures).toBeGreaterThanOrEqual(3)
    far.cut()
    far.fault()
    expect(await lab()).toEqual(whole)
  })

  it('after a change is told as a failure of that Rack, and the same change again is safe', async () => {
    const scale = (count: string) => world.run('-r', 'acme/lab', 'rack', 'scale', '--count', count)
    expect((await scale('3')).status).toBe(0)
    // The connection is open, so all that is cut is the answer: the Rack has done it.
    far.fault({ cutNext: true })
    const cut = await scale('2')
    expect(cut.status).toBe(1)
    expect(cut.stderr).toContain('acme/lab broke off the connection; it may be restarting; whether')
    far.fault()
    expect(JSON.parse((await lab()).text)).toMatchObject({ count: 2 })
    expect((await scale('2')).status).toBe(0)
    expect((await scale('3')).status).toBe(0)
  })
})

describe('a network between Console and Rack', () => {
  it('that is gone is told with the name of the Rack; the others and what is kept are untouched', async () => {
    const [{ id = '' } = {}] = JSON.parse((await lab('/instances')).text) as { id?: string }[]
    const shell = world.start('-r', 'acme/lab', 'instances', 'ssh', id, 'echo on; sleep 2002')
    const ended = finish(shell, { inputStaysOpen: true })
    await once(shell.stdout ?? shell, 'data')
    await far.down()
    const { status, stdout, stderr } = await ended
    expect([status, stdout + stderr]).toEqual([1, expect.stringMatching(/^ERROR: ./m)])

    const ran = await world.run('-r', 'acme/lab', 'instances')
    expect(ran.status).toBe(1)
    expect(ran.stderr).toMatch(/^ERROR: .*acme\/lab/)
    expect((await world.run('racks')).stdout).toMatch(/^acme\/lab +unreachable/m)
    expect((await world.run('instances')).status).toBe(0)
    await far.up()
    expect((await world.run('-r', 'acme/lab', 'instances')).stdout).toContain(id)
    expect((await world.run('racks')).stdout).toMatch(/^acme\/lab +running/m)
  })

  it('that is cut while nobody asks costs the next one who asks nothing', async () => {
    expect((await lab()).status).toBe(200)
    far.cut()
    expect((await lab()).status).toBe(200)
  })

  it('that is slow or stands still holds up only who asks that Rack, and loses nothing', async () => {
    far.cut()
    far.fault({ drip: 32 })
    expect((await lab()).status).toBe(200)
    far.fault({ holdAfter: 0 })
    far.cut()
    const held = lab('/instances')
    await eventually('the answer is held', () => (far.held() > 0 ? true : undefined))
    expect((await world.run('instances')).status).toBe(0)
    expect((await world.renew()).status).toBe(201)
    expect((await world.logIn(near.host)).status).toBe(0)
    far.fault()
    expect(JSON.parse((await held).text)).toHaveLength(3)
  })
})

describe('a process that stands still', () => {
  /** Stopped as by a machine that swaps, until `meanwhile` is over. */
  async function frozen(pid: number, meanwhile: () => Promise<void>): Promise<void> {
    process.kill(pid, 'SIGSTOP')
    try {
      await meanwhile()
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  }

  it('an instance: the others work, and what waits for it gets everything afterwards', async () => {
    const [id = '', other = ''] = await world.running()
    const said = 'echo whole; exit 5'
    const held = { ended: Promise.resolve({}) }
    await frozen(await world.pidOf(id), async () => {
      held.ended = world.run('instances', 'ssh', id, said)
      expect(await world.run('instances', 'ssh', other, said)).toMatchObject({ status: 5 })
      expect((await world.run('instances')).stdout).toContain(id)
    })
    expect(await held.ended).toEqual({ status: 5, stdout: 'whole\n', stderr: '' })
  })

  it('a Rack: the Console works, and what waits for it gets everything afterwards', async () => {
    const held = { ended: Promise.resolve({}) }
    await frozen(await world.pidOf('rack'), async () => {
      held.ended = world.run('instances', '--json')
      expect((await world.run('racks')).status).toBe(0)
      expect((await lab()).status).toBe(200)
    })
    expect(await held.ended).toMatchObject({ status: 0, stderr: '' })
  })

  it('the Console: who asks it waits and gets everything afterwards', async () => {
    const held = { ended: Promise.resolve({}) }
    await frozen(world.server.child.pid ?? 0, async () => {
      near.fault()
      held.ended = world.run('racks')
      // It has been connected to, and is as quiet as can be.
      await eventually('a connection', () => (near.connections() > 0 ? true : undefined))
      expect(near.passed()).toBe(0)
    })
    expect(await held.ended).toMatchObject({ status: 0, stderr: '' })
  })
})
