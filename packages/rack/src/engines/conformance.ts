import type { Client } from 'ssh2'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  collect,
  type KeyPair,
  logIn,
  openCommand,
  runCommand,
  runningIds,
  testKeyPair,
  until,
} from './conformance-client.ts'
import type { Engine } from './engine.ts'

/** One engine under test, and what only its own tests can do to it. */
export interface EngineUnderTest {
  engine: Engine
  /**
   * Lets a machine fail without asking the engine, as a power cut would. Left out where a test
   * cannot do that: then nothing is said about how failed machines are replaced.
   */
  kill?: (id: string) => Promise<void>
  /** What still runs of the engine's machines, in words; empty when nothing does. */
  leftovers?: () => Promise<string[]>
  /** Removes what the test made. */
  clean: () => Promise<void>
}

export interface MakeOptions {
  count: number
  authorizedKeys: () => Promise<string[]>
}

const COUNT = 3

/** What every engine does. Each calls this from a test file of its own. */
export function engineConformance(
  name: string,
  makeEngine: (options: MakeOptions) => Promise<EngineUnderTest>,
): void {
  describe(`${name}: an engine`, () => {
    let tested: EngineUnderTest
    let engine: Engine
    let key: KeyPair
    let listedWhenAsked: number[] = []

    beforeAll(async () => {
      key = testKeyPair()
      const authorizedKeys = async () => {
        const alive = (await engine?.instances())?.filter(({ status }) => status !== 'terminating')
        if (alive !== undefined) listedWhenAsked.push(alive.length)
        return [key.publicKey]
      }
      tested = await makeEngine({ count: COUNT, authorizedKeys })
      engine = tested.engine
      await engine.start()
    })
    afterAll(async () => {
      await engine?.stop()
      await tested?.clean()
    })

    async function firstId(): Promise<string> {
      const [id] = await runningIds(engine, COUNT)
      if (id === undefined) throw new Error('no instance runs')
      return id
    }

    async function connected(id?: string): Promise<Client> {
      const client = await logIn(engine, id ?? (await firstId()), key.privateKey)
      onTestFinished(() => void client.end())
      return client
    }

    it('runs the wanted number of instances once it is started', async () => {
      const before = Date.now()
      const instances = await engine.instances()
      expect(instances).toHaveLength(COUNT)
      expect(instances.map(({ id }) => id)).toEqual(instances.map(({ id }) => id).sort())
      for (const instance of instances) {
        expect(instance.id).toMatch(/^i-[0-9a-f]{8,17}$/)
        expect(instance).toMatchObject({ status: 'running', agent: true })
        expect(instance.startedAt).toBeLessThanOrEqual(before)
        expect(instance.privateIp).toMatch(/^[0-9.]+$/)
        for (const share of [instance.cpu, instance.memory]) {
          expect(share).toBeGreaterThanOrEqual(0)
          expect(share).toBeLessThanOrEqual(1)
        }
      }
    })

    it('lets the installed key in and tells an exit status, both outputs and the input apart', async () => {
      const result = await runCommand(await connected(), 'cat; echo problem >&2; exit 7', 'in\0put')
      expect(result.stdout.toString()).toBe('in\0put')
      expect(result.stderr.toString()).toBe('problem\n')
      expect(result.code).toBe(7)
    })

    it('lets no other key in', async () => {
      const id = await firstId()
      await expect(logIn(engine, id, testKeyPair().privateKey)).rejects.toThrow(/authentication/)
    })

    it('lets no other account in', async () => {
      const id = await firstId()
      await expect(logIn(engine, id, key.privateKey, 'somebody')).rejects.toThrow(/authentication/)
    })

    it('knows the host keys where it says so, and each instance has its own', async () => {
      const ids = await runningIds(engine, COUNT)
      const keys = await Promise.all(ids.map((id) => engine.hostKey(id)))
      if (engine.capabilities.reportsHostKeys) expect(new Set(keys).size).toBe(COUNT)
      else expect(keys).toEqual(ids.map(() => undefined))
    })

    it('gives each instance a home of its own to work in', async () => {
      const [one, other] = await runningIds(engine, COUNT)
      const write = 'test "$(pwd -P)" = "$(cd && pwd -P)" && echo mine > mine'
      expect(await runCommand(await connected(one), write)).toMatchObject({ code: 0 })
      expect(await runCommand(await connected(other), 'test -e mine')).toMatchObject({ code: 1 })
    })

    it('gives a terminal of the size that was asked for, and follows its changes', async () => {
      const pty = { rows: 40, cols: 100, term: 'vt100' }
      const client = await connected()
      const { stdout } = await runCommand(client, 'stty size', '', { pty })
      expect(stdout.toString()).toBe('40 100\r\n')
      const channel = await openCommand(client, 'read x; stty size; echo $TERM', { pty })
      const result = collect(channel)
      channel.setWindow(50, 120, 0, 0)
      channel.write('\n')
      const lines = (await result).stdout.toString().split(/[\r\n]+/)
      expect(lines).toEqual(expect.arrayContaining(['50 120', 'vt100']))
    })

    it('counts what runs on an instance', async () => {
      const id = await firstId()
      const channel = await openCommand(await connected(id), 'cat')
      const processes = async () =>
        (await engine.instances()).find((instance) => instance.id === id)?.processes
      await until(async () => ((await processes()) ?? 0) > 0 || undefined)
      channel.end()
      await until(async () => (await processes()) === 0 || undefined)
    })

    it('says that an unknown instance is not found, whatever it is asked for', async () => {
      const unknown = 'i-0123456789ab'
      for (const ask of [
        () => engine.terminate(unknown),
        () => engine.dial(unknown),
        () => engine.hostKey(unknown),
      ]) {
        await expect(ask()).rejects.toMatchObject({
          code: 'not-found',
          message: `instance not found: ${unknown}`,
        })
      }
    })

    it('has an instance in its list before it asks which keys open it', async () => {
      await runningIds(engine, COUNT)
      listedWhenAsked = []
      await engine.terminate(await firstId())
      await runningIds(engine, COUNT)
      expect(listedWhenAsked).toEqual([COUNT])
    })

    it('knows which instances can be there again: not those that are gone', async () => {
      const id = await firstId()
      expect(await engine.exists(id)).toBe(true)
      for (const never of ['i-0123456789ab', '..', '']) {
        expect(await engine.exists(never)).toBe(false)
      }
      await engine.terminate(id)
      expect(await engine.exists(id)).toBe(false)
      await runningIds(engine, COUNT)
    })

    it('replaces an instance that is terminated by a new one with another id', async () => {
      const id = await firstId()
      await engine.terminate(id)
      const ids = (await engine.instances()).map((instance) => instance.id)
      expect(ids).not.toContain(id)
      expect(await runningIds(engine, COUNT)).not.toContain(id)
      await expect(engine.dial(id)).rejects.toMatchObject({ code: 'not-found' })
    })

    it('ends the sessions of an instance that is terminated', async () => {
      const id = await firstId()
      const channel = await openCommand(await connected(id), 'sleep 1000')
      const ended = collect(channel)
      await engine.terminate(id)
      expect((await ended).code).not.toBe(0)
      await runningIds(engine, COUNT)
    })

    it('replaces an instance that fails, and only that one', async (context) => {
      if (tested.kill === undefined) return context.skip()
      const before = await runningIds(engine, COUNT)
      const failing = before[1] ?? ''
      await tested.kill(failing)
      const after = await until(async () => {
        const ids = await runningIds(engine, COUNT)
        return ids.includes(failing) ? undefined : ids
      })
      expect(after.filter((id) => before.includes(id))).toHaveLength(COUNT - 1)
    })

    it('follows a changed number of instances, down and up', async () => {
      const before = await runningIds(engine, COUNT)
      await engine.setCount(1)
      const [kept] = await runningIds(engine, 1)
      expect(before).toContain(kept)
      await engine.setCount(COUNT)
      expect(await runningIds(engine, COUNT)).toContain(kept)
    })

    it('says what its machines have, and how many there can be, in whole numbers', async () => {
      const capacity = await engine.capacity()
      for (const amount of Object.values(capacity)) {
        expect(Number.isSafeInteger(amount)).toBe(true)
        expect(amount).toBeGreaterThan(0)
      }
      expect(capacity.instanceCpu).toBeLessThanOrEqual(capacity.clusterCpu)
      expect(capacity.instanceMemory).toBeLessThanOrEqual(capacity.clusterMemory)
      expect(engine.capabilities.maxInstances).toBeGreaterThanOrEqual(COUNT)
    })

    it('leaves nothing running when it is stopped, and brings the same instances back', async () => {
      const before = await runningIds(engine, COUNT)
      const hostKeys = await Promise.all(before.map((id) => engine.hostKey(id)))
      await runCommand(await connected(before[0]), 'echo kept > here')
      await engine.stop()
      expect(await engine.instances()).toEqual([])
      expect(await Promise.all(before.map((id) => engine.exists(id)))).not.toContain(false)
      expect((await tested.leftovers?.()) ?? []).toEqual([])

      await engine.start()
      expect(await runningIds(engine, COUNT)).toEqual(before)
      expect(await Promise.all(before.map((id) => engine.hostKey(id)))).toEqual(hostKeys)
      const { stdout } = await runCommand(await connected(before[0]), 'cat here')
      expect(stdout.toString()).toBe('kept\n')
    })
  })
}
