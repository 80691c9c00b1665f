import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { engineConformance } from '../conformance.ts'
import { logIn, runCommand, runningIds, testKeyPair, until } from '../conformance-client.ts'
import { Lab, silentLog } from './fixture/lab.ts'
import { createLocalEngine } from './local-engine.ts'

engineConformance('local', async (options) => {
  const lab = await Lab.open()
  return {
    engine: lab.engine(options),
    kill: (id) => lab.kill(id),
    leftovers: () => lab.leftovers(),
    clean: () => lab.close(),
  }
})

describe('the local engine', () => {
  let lab: Lab
  beforeEach(async () => {
    lab = await Lab.open()
  })
  afterEach(() => lab.close())

  it('refuses to start when the server can be reached from other machines, and touches nothing', async () => {
    const engine = lab.engine({ loopbackOnly: false, loopbackProblem: 'HOST is 0.0.0.0' })
    await expect(engine.start()).rejects.toMatchObject({
      code: 'invalid',
      message: expect.stringContaining('HOST is 0.0.0.0'),
    })
    expect(await readdir(lab.folder)).toEqual([])
    expect(await engine.instances()).toEqual([])
  })

  it('runs three instances unless it is told another number', async () => {
    const engine = createLocalEngine({
      folder: lab.instancesFolder,
      authorizedKeys: async () => [],
      log: silentLog,
      childEnvironment: {},
      loopbackOnly: true,
    })
    try {
      await engine.start()
      expect(await engine.instances()).toHaveLength(3)
    } finally {
      await engine.stop()
    }
  })

  it('can be stopped while it starts, and leaves nothing running', async () => {
    const engine = lab.engine({ count: 2 })
    const starting = engine.start()
    const refused = expect(starting).rejects.toMatchObject({ code: 'not-ready' })
    await until(async () => ((await engine.instances()).length > 0 ? true : undefined))
    await engine.stop()
    await refused
    expect(await lab.leftovers()).toEqual([])
  })

  it('says that instances do not start, instead of trying for ever', async () => {
    const errors: object[] = []
    const engine = lab.engine({
      authorizedKeys: () => Promise.reject(new Error('the database is closed')),
      log: { ...silentLog, error: (fields) => errors.push(fields) },
    })
    await expect(engine.start()).rejects.toMatchObject({
      code: 'not-ready',
      cause: expect.objectContaining({ message: 'the database is closed' }),
    })
    expect(errors.length).toBeGreaterThan(0)
    expect(await lab.leftovers()).toEqual([])
  })

  it('tells what became of each instance: started, terminated, ended by itself', async () => {
    const told: string[] = []
    const engine = lab.engine({ count: 1, happened: (id, what) => told.push(`${id} ${what}`) })
    await engine.start()
    const [first = ''] = await runningIds(engine, 1)
    await engine.terminate(first)
    const [second = ''] = await runningIds(engine, 1)
    await lab.kill(second)
    const third = await until(async () => {
      const [id] = await runningIds(engine, 1)
      return id === second ? undefined : id
    })
    expect(told).toEqual([
      `${first} runs`,
      `${first} is being terminated`,
      `${second} runs`,
      `${second} ended by itself; another one takes its place`,
      `${third} runs`,
    ])
    // Stopped with the Rack, they come back: nothing became of them.
    await engine.stop()
    expect(told).toHaveLength(5)
  })

  it('gives a new instance the keys of now, and an old one keeps the file it has', async () => {
    const keys = [lab.key.publicKey]
    const engine = lab.engine({ count: 2, authorizedKeys: async () => keys })
    await engine.start()
    const [old = '', other = ''] = await runningIds(engine, 2)
    const second = testKeyPair(2)
    keys.splice(0, 1, second.publicKey)
    await engine.stop()
    await engine.start()
    await engine.terminate(other)
    const born = (await runningIds(engine, 2)).find((id) => id !== old) ?? ''

    const file = (id: string) =>
      readFile(join(lab.instancesFolder, id, '.ssh', 'authorized_keys'), 'utf8')
    expect(await file(old)).toBe(`${lab.key.publicKey}\n`)
    expect(await file(born)).toBe(`${second.publicKey}\n`)
    expect(second.publicKey).toMatch(/ keyrack:2$/)
    await expect(logIn(engine, old, second.privateKey)).rejects.toThrow(/authentication/)
    await expect(logIn(engine, born, lab.key.privateKey)).rejects.toThrow(/authentication/)
    ;(await logIn(engine, born, second.privateKey)).end()
  })

  it('reads the authorized keys at each login, so a removed key is refused at the next one', async () => {
    const engine = lab.engine()
    await engine.start()
    const [id = ''] = await runningIds(engine, 1)
    const next = testKeyPair(2)
    const client = await logIn(engine, id, lab.key.privateKey)
    const swap = `echo '${next.publicKey}' > .ssh/new && mv .ssh/new .ssh/authorized_keys`
    expect(await runCommand(client, swap)).toMatchObject({ code: 0 })
    await expect(logIn(engine, id, lab.key.privateKey)).rejects.toThrow(/authentication/)
    ;(await logIn(engine, id, next.privateKey)).end()
    // Who is in already stays in.
    expect(await runCommand(client, 'echo here')).toMatchObject({ code: 0 })
    client.end()
  })

  it('keeps everything of an instance from other users of the machine', async () => {
    const engine = lab.engine()
    await engine.start()
    const [id = ''] = await runningIds(engine, 1)
    const client = await logIn(engine, id, lab.key.privateKey)
    const { stdout } = await runCommand(client, 'stat -c %a . .ssh .ssh/host_ed25519 ../owner ..')
    expect(stdout.toString()).toBe('700\n700\n600\n600\n700\n')
    client.end()
  })

  it('does not bring back an instance whose removal was interrupted, and removes its folder', async () => {
    const engine = lab.engine({ count: 2 })
    await engine.start()
    const [kept = '', gone = ''] = await runningIds(engine, 2)
    await engine.stop()
    await writeFile(join(lab.instancesFolder, `${gone}.terminated`), '')
    await engine.start()
    const ids = await runningIds(engine, 2)
    expect(ids).toContain(kept)
    expect(ids).not.toContain(gone)
    expect((await readdir(lab.instancesFolder)).sort()).toEqual([...ids, 'owner'].sort())
  })

  it('keeps only as many known instances as are wanted', async () => {
    const engine = lab.engine({ count: 3 })
    await engine.start()
    const before = await runningIds(engine, 3)
    await engine.stop()
    const smaller = lab.engine({ count: 1 })
    await smaller.start()
    const [kept] = await runningIds(smaller, 1)
    expect(before).toContain(kept)
    expect((await readdir(lab.instancesFolder)).sort()).toEqual([kept, 'owner'].sort())
  })

  it('replaces a known instance that cannot start, without touching its folder', async () => {
    const broken = join(lab.instancesFolder, 'i-00000000000a')
    await mkdir(join(broken, '.ssh'), { recursive: true })
    await writeFile(join(broken, '.ssh', 'host_ed25519'), 'not a key')
    const engine = lab.engine()
    await engine.start()
    expect(await runningIds(engine, 1)).not.toContain('i-00000000000a')
    expect(await readFile(join(broken, '.ssh', 'host_ed25519'), 'utf8')).toBe('not a key')
  })

  it('shows an instance that does not answer as one without an agent', async () => {
    const engine = lab.engine()
    await engine.start()
    const [id = ''] = await runningIds(engine, 1)
    const pid = await lab.instancePid(id)
    process.kill(pid, 'SIGSTOP')
    expect(await engine.instances()).toMatchObject([{ id, status: 'running', agent: false }])
    process.kill(pid, 'SIGCONT')
    await runningIds(engine, 1)
  })

  it('kills an instance that does not stop when it is asked to', async () => {
    const engine = lab.engine()
    await engine.start()
    const [id = ''] = await runningIds(engine, 1)
    process.kill(await lab.instancePid(id), 'SIGSTOP')
    await engine.terminate(id)
    expect(await runningIds(engine, 1)).not.toContain(id)
    expect((await lab.processes()).map(({ instance }) => instance)).not.toContain(id)
  })

  it('terminates nothing that it cannot record, and terminates it when it can again', async () => {
    const engine = lab.engine()
    await engine.start()
    const [id = ''] = await runningIds(engine, 1)
    // Where its tombstone belongs is something else, as a full or read-only disk would be.
    const tombstone = join(lab.instancesFolder, `${id}.terminated`)
    await mkdir(tombstone)
    await expect(engine.terminate(id)).rejects.toMatchObject({
      code: 'not-ready',
      message: 'the folder of the instances cannot be written',
    })
    expect(await runningIds(engine, 1)).toEqual([id])
    await rmdir(tombstone)
    await engine.terminate(id)
    expect(await runningIds(engine, 1)).not.toContain(id)
  })

  it('replaces an instance that ended although it cannot record that', async () => {
    const engine = lab.engine()
    await engine.start()
    const [id = ''] = await runningIds(engine, 1)
    await mkdir(join(lab.instancesFolder, `${id}.terminated`))
    await lab.kill(id)
    expect(await runningIds(engine, 1)).not.toContain(id)
  })
})
