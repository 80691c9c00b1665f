import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdir, readFile, readlink } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import ssh2, { type Client, type ClientChannel } from 'ssh2'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import {
  collect,
  logIn,
  noteExit,
  openCommand,
  runCommand,
  runningIds,
  until,
} from '../../conformance-client.ts'
import type { Engine } from '../../engine.ts'
import { Lab } from '../fixture/lab.ts'

const MIB = 1024 * 1024
const PTY = { pty: { rows: 24, cols: 80 } }

describe('a session on a local instance', () => {
  let lab: Lab
  let engine: Engine
  let id: string
  beforeAll(async () => {
    lab = await Lab.open()
    engine = lab.engine()
    await engine.start()
    id = (await runningIds(engine, 1))[0] ?? ''
  })
  afterAll(() => lab.close())

  async function connected(): Promise<Client> {
    const client = await logIn(engine, id, lab.key.privateKey)
    onTestFinished(() => void client.end())
    return client
  }

  async function shell(client: Client, pty: boolean): Promise<ClientChannel> {
    return new Promise((resolve, reject) => {
      client.shell(pty ? {} : false, (error, channel) => {
        if (error) reject(error)
        else resolve(noteExit(channel))
      })
    })
  }

  const runs = async (wanted: string): Promise<boolean> =>
    (await lab.processes()).some(({ command }) => command === wanted)

  describe('without a terminal', () => {
    it('carries any bytes both ways, more than fit in any buffer', async () => {
      const bytes = randomBytes(8 * MIB)
      const { stdout, code } = await runCommand(await connected(), 'cat', bytes)
      expect(stdout.equals(bytes)).toBe(true)
      expect(code).toBe(0)
    })

    it('delivers both outputs whole when one after the other outgrows what the client takes', async () => {
      const print = `head -c ${6 * MIB} /dev/zero | tr '\\0'`
      const command = `${print} 1; ${print} 2 >&2; ${print} 3; ${print} 4 >&2; exit 3`
      const channel = await openCommand(await connected(), command)
      const parts: string[] = []
      for (const [stream, length] of [
        [channel, 6 * MIB],
        [channel.stderr, 6 * MIB],
        [channel, 6 * MIB],
        [channel.stderr, 6 * MIB],
      ] as const) {
        // Reading begins when the instance had to stop, so each part meets a closed window.
        await windowClosed(channel)
        parts.push(summary(await take(stream, length)))
      }
      expect(parts).toEqual(['1', '2', '3', '4'].map((digit) => `${6 * MIB} of ${digit}`))
      const { stdout, stderr, code } = await collect(channel)
      expect([stdout.length, stderr.length, code]).toEqual([0, 0, 3])
    })

    it('delivers both outputs whole when they outgrow what the client takes together', async () => {
      const print = `head -c ${6 * MIB} /dev/zero | tr '\\0'`
      const command = `${print} 1 & ${print} 2 >&2; wait`
      const channel = await openCommand(await connected(), command)
      await windowClosed(channel)
      const { stdout, stderr, code } = await collect(channel)
      expect(summary(stdout)).toBe(`${6 * MIB} of 1`)
      expect(summary(stderr)).toBe(`${6 * MIB} of 2`)
      expect(code).toBe(0)
    })

    it('produces no faster than the client reads', async () => {
      const client = await connected()
      const channel = await openCommand(client, `exec head -c ${256 * MIB} /dev/zero`)
      let received = 0
      channel.on('data', (bytes: Buffer) => {
        received += bytes.length
        channel.pause()
        setImmediate(() => channel.resume())
      })
      await once(channel, 'close')
      expect(received).toBe(256 * MIB)
      const status = await readFile(`/proc/${await lab.instancePid(id)}/status`, 'latin1')
      expect(Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1])).toBeLessThan(200 * 1024)
    })

    it('throws away input that nobody reads, and still ends', async () => {
      const result = await runCommand(await connected(), 'exec true', Buffer.alloc(6 * MIB))
      expect(result.code).toBe(0)
    })

    it('names the signal that ended the command', async () => {
      const client = await connected()
      expect(await runCommand(client, 'kill -TERM $$')).toMatchObject({
        code: null,
        signal: 'SIGTERM',
      })
      // SSH has no name for this one.
      expect(await runCommand(client, 'kill -XCPU $$')).toMatchObject({ code: 1 })
    })

    it('passes signals of the client on to the whole command', async () => {
      const channel = await openCommand(
        await connected(),
        'trap "echo trapped; exit 9" USR1; sleep 2003 & wait',
      )
      const result = collect(channel)
      await lab.runs('sleep 2003')
      channel.signal('USR1')
      expect(await result).toMatchObject({ code: 9, stdout: Buffer.from('trapped\n') })
    })

    it('says so when the command cannot be started', async () => {
      const other = lab.engine({ folder: `${lab.folder}/other` })
      await other.start()
      const [fresh = ''] = await runningIds(other, 1)
      const client = await logIn(other, fresh, lab.key.privateKey)
      onTestFinished(() => void client.end())
      expect(await runCommand(client, 'rm -rf "$HOME"')).toMatchObject({ code: 0 })
      const result = await runCommand(client, 'true')
      expect(result.code).toBe(126)
      expect(result.stderr.toString()).toContain('ERROR: the command could not be started')
      await other.stop()
    })

    it('runs a shell that reads its commands from the input', async () => {
      const channel = await shell(await connected(), false)
      const result = collect(channel)
      channel.end('echo "in $(basename "$PWD")"; exit 5\n')
      const { stdout, code } = await result
      expect(stdout.toString()).toContain(`in ${id}\n`)
      expect(code).toBe(5)
    })

    it('hangs up when the client goes away; what ignores that stays', async () => {
      const client = await logIn(engine, id, lab.key.privateKey)
      await openCommand(client, 'nohup sleep 2001 >/dev/null 2>&1 & exec sleep 2000')
      await lab.runs('sleep 2000')
      const stays = await lab.runs('sleep 2001')
      client.end()
      await until(async () => ((await runs('sleep 2000')) ? undefined : true))
      expect((await lab.runs('sleep 2001')).pid).toBe(stays.pid)
      process.kill(stays.pid, 'SIGKILL')
    })
  })

  describe('with a terminal', () => {
    it('runs a shell that answers, and passes its exit status on', async () => {
      const channel = await shell(await connected(), true)
      const result = collect(channel)
      channel.write('test -t 0 && echo "a terminal: $TERM"\nexit 6\n')
      const { stdout, code } = await result
      expect(stdout.toString()).toContain('a terminal: vt100\r\n')
      expect(code).toBe(6)
    })

    it('tells the command that the input has ended', async () => {
      const result = await runCommand(await connected(), 'cat; echo over', 'typed\n', PTY)
      expect(result.stdout.toString()).toMatch(/typed\r\nover\r\n$/)
      expect(result.code).toBe(0)
    })

    it('takes a size of nothing for a usual one', async () => {
      const none = { pty: { rows: 0, cols: 0 } }
      const { stdout } = await runCommand(await connected(), 'stty size', '', none)
      expect(stdout.toString()).toBe('24 80\r\n')
    })

    it('carries long input into a program that reads slowly', async () => {
      const lines = Buffer.from(`${'x'.repeat(99)}\n`.repeat(5000))
      const command = 'stty -echo; echo ready; head -n 5000 | wc -c'
      const channel = await openCommand(await connected(), command, PTY)
      const result = collect(channel)
      await once(channel, 'data')
      channel.write(lines)
      expect((await result).stdout.toString()).toBe(`ready\r\n${lines.length}\r\n`)
    })

    it('carries all the output of a command that ends at once, however often', async () => {
      const client = await connected()
      const size = 4 * MIB + 123
      for (let round = 0; round < 5; round += 1) {
        const { stdout } = await runCommand(client, `exec head -c ${size} /dev/zero`, '', PTY)
        expect(stdout.length).toBe(size)
      }
    })

    it('keeps the end of the output for a client that reads it late', async () => {
      const client = await connected()
      const instance = await lab.instancePid(id)
      // Just more than the client takes unread, so the command ends while its output waits.
      for (const beyond of [5_000, 8_000, 12_000]) {
        const size = 2 * MIB + beyond
        const channel = await openCommand(client, `exec head -c ${size} /dev/zero`, PTY)
        await until(async () => ((await openTerminals(instance)) === 0 ? true : undefined))
        expect((await collect(channel)).stdout.length).toBe(size)
      }
    })

    it('hangs up when the client goes away', async () => {
      const client = await logIn(engine, id, lab.key.privateKey)
      await openCommand(client, 'exec sleep 2002', PTY)
      await lab.runs('sleep 2002')
      client.end()
      await until(async () => ((await runs('sleep 2002')) ? undefined : true))
    })

    it('names the signal that ended the command', async () => {
      const result = await runCommand(await connected(), 'kill -KILL $$', '', PTY)
      expect(result).toMatchObject({ code: null, signal: 'SIGKILL' })
    })
  })

  describe('refuses', () => {
    it('passwords, and a login without any proof', async () => {
      for (const attempt of [{ password: 'x' }, {}]) {
        const client = new ssh2.Client()
        const sock = await engine.dial(id)
        client.connect({ sock, username: engine.sshUser, ...attempt })
        const [error] = await once(client, 'error')
        expect(error.message).toMatch(/authentication methods failed/)
      }
    })

    it('forwarded ports in both directions, and sftp', async () => {
      const client = await connected()
      const attempts: Array<(done: (error: Error | undefined) => void) => void> = [
        (done) => client.forwardOut('127.0.0.1', 1, '127.0.0.1', 22, done),
        (done) => client.forwardIn('127.0.0.1', 0, done),
        (done) => client.sftp(done),
      ]
      for (const attempt of attempts) {
        const error = await new Promise<Error | undefined>((resolve) => attempt(resolve))
        expect(error).toBeInstanceOf(Error)
      }
    })

    it('to let a client set its environment', async () => {
      const options = { env: { LD_PRELOAD: '/tmp/other.so', KEYRACK_OWNER: 'nobody' } }
      const { stdout } = await runCommand(await connected(), 'env', '', options)
      expect(stdout.toString()).not.toMatch(/LD_PRELOAD|nobody/)
    })
  })
})

async function openTerminals(pid: number): Promise<number> {
  const folder = `/proc/${pid}/fd`
  const files = await Promise.all(
    (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(() => '')),
  )
  return files.filter((file) => file.endsWith('/ptmx')).length
}

/** Resolves when the client has taken all that it takes unread, so the instance has to wait. */
async function windowClosed(channel: ClientChannel): Promise<void> {
  const incoming: unknown = Reflect.get(channel, 'incoming')
  if (typeof incoming !== 'object' || incoming === null) throw new TypeError('no SSH window')
  await until(() => (Reflect.get(incoming, 'window') === 0 ? true : undefined))
}

/** Exactly so many bytes of a stream, without looking at what follows. */
async function take(stream: Readable, length: number): Promise<Buffer> {
  const parts: Buffer[] = []
  for (let missing = length; missing > 0; ) {
    const part: Buffer | null = stream.read(Math.min(missing, stream.readableLength || 1))
    if (part === null) await once(stream, 'readable')
    else {
      parts.push(part)
      missing -= part.length
    }
  }
  return Buffer.concat(parts)
}

/** `<length> of <bytes that occur>` */
function summary(bytes: Buffer): string {
  return `${bytes.length} of ${Buffer.from([...new Set(bytes)])}`
}
