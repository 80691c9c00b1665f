import { once } from 'node:events'
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createClient } from '@keyrack/protocol/client'
import {
  createMasterKey,
  formatMasterKey,
  hashApiKey,
  mintApiKey,
  type Secret,
} from '@keyrack/secrets'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask } from './testing/ask.ts'
import { RackProcess, type Ready } from './testing/rack-process.ts'
import { credential, openRawStream } from './testing/raw-stream.ts'
import { temporaryFolder } from './testing/temporary-folder.ts'
import { isRunning, waitUntil } from './testing/wait-until.ts'

const key = mintApiKey('rack')
const FIRST = { RACK_KEY_HASH: hashApiKey(key) }

function portOf({ url }: Ready): number {
  return Number(new URL(url).port)
}

function clientOf({ url, fingerprint }: Ready, password: Secret = key) {
  return createClient({ url, pin: fingerprint, password, version: 'test' })
}

async function instancesOf(ready: Ready): Promise<Array<{ id: string; status: string }>> {
  return JSON.parse((await clientOf(ready).request('GET', '/instances')).body)
}

/** Waits for the end of a start that is refused; the message goes to the parent and to stderr. */
async function refusal(env: Record<string, string>): Promise<string> {
  const rack = new RackProcess(env)
  const message = await rack.failed()
  expect(await rack.exited).toEqual({ code: 1, signal: null })
  expect(rack.output).toContain(`ERROR: ${message}`)
  return message
}

describe('a Rack refuses to start', () => {
  it('without an API key, and says how to give it one', async () => {
    const message = await refusal({ DATA_DIR: temporaryFolder() })
    expect(message).toContain('no API key')
    expect(message).toContain('RACK_KEY_HASH')
  })

  it('with wrong settings, naming all of them and not repeating the key', async () => {
    const given = { RACK_KEY_HASH: key.reveal(), RACK_PORT: '70000', LOG_LEVEL: 'loud' }
    const message = await refusal({ DATA_DIR: temporaryFolder(), ...given })
    for (const name of Object.keys(given)) expect(message).toContain(name)
    expect(message).not.toContain(key.reveal())
  })

  it('when others could reach instances that run as its own user', async () => {
    const message = await refusal({ DATA_DIR: temporaryFolder(), ...FIRST, HOST: '0.0.0.0' })
    expect(message).toContain('HOST')
  })

  it('on a folder that another Rack is using, and does the other no harm', async () => {
    const env = { DATA_DIR: temporaryFolder(), ...FIRST }
    const ready = await new RackProcess(env).ready()
    const message = await refusal(env)
    expect(message).toContain(join(env.DATA_DIR, 'racks', 'dev'))
    expect(message).toContain('DATA_DIR')
    expect(await instancesOf(ready)).toHaveLength(3)
  })

  it('on a taken port, naming the variable to set', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const address = taken.address()
    const port = typeof address === 'object' ? String(address?.port) : ''
    const message = await refusal({ DATA_DIR: temporaryFolder(), ...FIRST, RACK_PORT: port })
    expect(message).toContain(port)
    expect(message).toContain('RACK_PORT')
  })

  it('when the port it remembers is taken at a restart, instead of moving away silently', async () => {
    const env = { DATA_DIR: temporaryFolder(), ...FIRST }
    const first = new RackProcess(env)
    const port = portOf(await first.ready())
    first.child.kill('SIGTERM')
    await first.exited
    const taken = createServer().listen(port, '127.0.0.1')
    onTestFinished(() => void taken.close())
    await once(taken, 'listening')
    const message = await refusal(env)
    expect(message).toContain(String(port))
    expect(message).toContain('RACK_PORT')
  })

  it('with another master key, naming the one it needs, and starts again with the right one', async () => {
    const env = { DATA_DIR: temporaryFolder(), ...FIRST }
    const first = new RackProcess(env)
    await first.ready()
    first.child.kill('SIGTERM')
    await first.exited

    const folder = join(env.DATA_DIR, 'racks', 'dev', 'keys')
    const [name = ''] = readdirSync(folder).filter((file) => file.endsWith('.key'))
    const file = join(folder, name)
    const right = readFileSync(file)
    rmSync(file)
    const stranger = createMasterKey()
    const wrong = join(folder, `${stranger.id}.key`)
    writeFileSync(wrong, `${formatMasterKey(stranger).reveal()}\n`, { mode: 0o600 })
    expect(await refusal(env)).toContain(name.replace('.key', ''))
    // An empty key folder is no reason to make a new key: the old one seals what is stored.
    rmSync(wrong)
    expect(await refusal(env)).toContain(name.replace('.key', ''))
    expect(readdirSync(folder).filter((entry) => entry.endsWith('.key'))).toEqual([])

    writeFileSync(file, right, { mode: 0o600 })
    await new RackProcess(env).ready()
  })

  it('in a folder that cannot be written, saying which', async () => {
    const DATA_DIR = temporaryFolder()
    writeFileSync(join(DATA_DIR, 'racks'), 'a file where a folder belongs')
    expect(await refusal({ DATA_DIR, ...FIRST })).toContain(DATA_DIR)
  })
})

describe('a Rack that was started before', () => {
  it('has the same id, port, certificate and instances, and needs no key hash any more', async () => {
    const DATA_DIR = temporaryFolder()
    const first = new RackProcess({ DATA_DIR, ...FIRST })
    const before = await first.ready()
    const instances = (await instancesOf(before)).map(({ id }) => id)
    first.child.kill('SIGTERM')
    expect(await first.exited).toEqual({ code: 0, signal: null })

    const after = await new RackProcess({ DATA_DIR }).ready()
    expect(after).toEqual(before)
    expect((await instancesOf(after)).map(({ id }) => id)).toEqual(instances)
  })

  it('keeps its key when RACK_KEY_HASH names another one, and logs that it does', async () => {
    const DATA_DIR = temporaryFolder()
    const first = new RackProcess({ DATA_DIR, ...FIRST })
    await first.ready()
    first.child.kill('SIGTERM')
    await first.exited

    const other = mintApiKey('rack')
    const second = new RackProcess({ DATA_DIR, RACK_KEY_HASH: hashApiKey(other) })
    const port = portOf(await second.ready())
    expect((await ask(port, 'GET /auth', { key })).status).toBe(200)
    expect((await ask(port, 'GET /auth', { key: other })).status).toBe(401)
    expect(second.output).toContain('RACK_KEY_HASH differs')
  })

  it('takes another port when told to, and returns to its own afterwards', async () => {
    const DATA_DIR = temporaryFolder()
    const own = new RackProcess({ DATA_DIR, ...FIRST })
    const before = await own.ready()
    own.child.kill('SIGTERM')
    await own.exited

    const free = createServer().listen(0, '127.0.0.1')
    await once(free, 'listening')
    const address = free.address()
    const RACK_PORT = typeof address === 'object' ? String(address?.port) : ''
    free.close()
    await once(free, 'close')
    const moved = new RackProcess({ DATA_DIR, RACK_PORT })
    expect(portOf(await moved.ready())).toBe(Number(RACK_PORT))
    moved.child.kill('SIGTERM')
    await moved.exited
    expect((await new RackProcess({ DATA_DIR }).ready()).url).toBe(before.url)
  })

  it('comes back after kill -9 with everything, and leaves no process behind', async () => {
    const env = { DATA_DIR: temporaryFolder(), ...FIRST }
    const first = new RackProcess(env)
    const before = await first.ready()
    const [instance] = await instancesOf(before)
    const stream = await openRawStream(portOf(before), `/instances/${instance?.id}/shell`, {
      ...credential(key),
      Command: 'echo pids $PPID $$; sleep 1000',
    })
    await stream.until(({ text }) => /pids \d+ \d+\n/.test(text))
    const pids = (/pids (\d+) (\d+)/.exec(stream.text) ?? []).slice(1).map(Number)
    first.child.kill('SIGKILL')
    await first.exited
    await waitUntil(() => !pids.some(isRunning))

    const after = await new RackProcess(env).ready()
    expect(after).toEqual(before)
    const listed = await instancesOf(after)
    expect(listed.map(({ status }) => status)).toEqual(['running', 'running', 'running'])
    const again = await openRawStream(portOf(after), `/instances/${listed[0]?.id}/shell`, {
      ...credential(key),
      Command: 'echo works',
    })
    await again.ended
    expect(again.text).toContain('works\n')
  })

  it('survives kill -9 at any moment of its first start', async () => {
    const env = { DATA_DIR: temporaryFolder(), ...FIRST }
    for (const moment of [0, 100, 200, 300, 450, 600]) {
      const rack = new RackProcess(env)
      const timer = setTimeout(() => rack.child.kill('SIGKILL'), moment)
      await rack.exited
      clearTimeout(timer)
    }
    const ready = await new RackProcess(env).ready()
    expect(await instancesOf(ready)).toHaveLength(3)
  })
})

describe('a running Rack', () => {
  it('stops when its parent is gone, and its instances with it', async () => {
    const rack = new RackProcess({ DATA_DIR: temporaryFolder(), ...FIRST })
    const ready = await rack.ready()
    const [instance] = await instancesOf(ready)
    const headers = { ...credential(key), Command: 'echo pid $PPID' }
    const path = `/instances/${instance?.id}/shell`
    const stream = await openRawStream(portOf(ready), path, headers)
    await stream.ended
    const pid = Number(/pid (\d+)/.exec(stream.text)?.[1])
    expect(isRunning(pid)).toBe(true)
    // What the kernel does when the parent dies.
    rack.child.disconnect()
    expect(await rack.exited).toEqual({ code: 0, signal: null })
    expect(isRunning(pid)).toBe(false)
  })

  it('outlives a parent that said so, even one that dies right after its word', async () => {
    const env = { DATA_DIR: temporaryFolder(), ...FIRST }
    const rack = new RackProcess(env)
    const ready = await rack.ready()
    rack.child.send({ type: 'detach' })
    rack.child.disconnect()
    await waitUntil(() => !rack.child.connected)
    expect(await instancesOf(ready)).toHaveLength(3)
    // It still stops when it is asked to.
    rack.child.kill('SIGTERM')
    expect(await rack.exited).toEqual({ code: 0, signal: null })
  })

  it('tells its parent that it has let go, and hangs up', async () => {
    const rack = new RackProcess({ DATA_DIR: temporaryFolder(), ...FIRST })
    const ready = await rack.ready()
    const said = once(rack.child, 'message')
    const hungUp = once(rack.child, 'disconnect')
    rack.child.send({ type: 'detach' })
    expect((await said)[0]).toEqual({ type: 'detached' })
    await hungUp
    expect(await instancesOf(ready)).toHaveLength(3)
  })

  it.each([{ type: 'detached' }, { type: 'Detach' }, 'detach', 7, []])(
    'is not let go by %j',
    async (message) => {
      const rack = new RackProcess({ DATA_DIR: temporaryFolder(), ...FIRST })
      await rack.ready()
      rack.child.send(message)
      rack.child.disconnect()
      expect(await rack.exited).toEqual({ code: 0, signal: null })
    },
  )

  it('writes its log into the file it is given', async () => {
    const DATA_DIR = temporaryFolder()
    const LOG_FILE = join(DATA_DIR, 'log')
    const rack = new RackProcess({ DATA_DIR, LOG_FILE, ...FIRST })
    await rack.ready()
    expect(readFileSync(LOG_FILE, 'utf8')).toContain('the Rack is ready')
    expect(rack.output).toBe('')
  })

  it('does not outlive a parent that dies while it starts', async () => {
    for (const moment of [0, 100, 250, 400]) {
      const rack = new RackProcess({ DATA_DIR: temporaryFolder(), ...FIRST })
      const timer = setTimeout(() => rack.child.disconnect(), moment)
      await rack.exited
      clearTimeout(timer)
    }
  })

  it('tells its clients when it is stopped by a signal', async () => {
    const rack = new RackProcess({ DATA_DIR: temporaryFolder(), ...FIRST })
    const ready = await rack.ready()
    const [instance] = await instancesOf(ready)
    const headers = { ...credential(key), Command: 'echo ready; sleep 1000' }
    const path = `/instances/${instance?.id}/shell`
    const stream = await openRawStream(portOf(ready), path, headers)
    await stream.until(({ text }) => text.includes('ready'))
    rack.child.kill('SIGTERM')
    await stream.ended
    expect(stream.text).toContain('ERROR: the Rack is stopping')
    expect(await rack.exited).toEqual({ code: 0, signal: null })
  })

  it('shows no key to others of this machine, in its files or in its environment', async () => {
    const env = { DATA_DIR: temporaryFolder(), ...FIRST }
    const rack = new RackProcess(env)
    await rack.ready()
    const folder = join(env.DATA_DIR, 'racks', 'dev')
    expect(statSync(folder).mode & 0o077).toBe(0)
    for (const inside of ['keys', 'tls']) {
      for (const file of readdirSync(join(folder, inside))) {
        const { mode } = statSync(join(folder, inside, file))
        if (!file.includes('cert')) expect(mode & 0o077).toBe(0)
      }
    }
    const environment = readFileSync(`/proc/${rack.child.pid}/environ`, 'utf8')
    const command = readFileSync(`/proc/${rack.child.pid}/cmdline`, 'utf8')
    expect(environment + command).not.toContain(key.reveal())
  })
})
