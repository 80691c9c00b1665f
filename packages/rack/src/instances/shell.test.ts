import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { Duplex } from 'node:stream'
import { createMasterKey, Keyring } from '@keyrack/secrets'
import type { ServerChannel, Session } from 'ssh2'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openTestStore } from '../testing/open-test-store.ts'
import { onCommand, type SshEngine, startSshEngine } from '../testing/ssh-engine.ts'
import { KnownInstances } from './known-instances.ts'
import { runShell, type ShellRequest } from './shell.ts'
import type { SshAccess } from './ssh-connection.ts'
import { SshKeys } from './ssh-keys.ts'

async function accessTo({ engine }: Pick<SshEngine, 'engine'>): Promise<SshAccess> {
  const store = await openTestStore()
  const sshKeys = new SshKeys(store, new Keyring([createMasterKey()]))
  await sshKeys.ensureFirst()
  return { engine, sshKeys, knownInstances: new KnownInstances(store, engine) }
}

/** A client that sends `input` and whose output can be looked at. */
class TestClient extends Duplex {
  output = ''

  constructor(input = '') {
    super()
    this.push(input)
    this.push(null)
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.output += chunk.toString()
    done()
  }
}

function requestOf(stream: Duplex, given: Partial<ShellRequest> = {}): ShellRequest {
  const { signal } = new AbortController()
  return {
    instanceId: 'i-1',
    command: 'anything',
    terminal: undefined,
    stream,
    signal,
    ...given,
  }
}

function exits(channel: ServerChannel, status: number): void {
  channel.exit(status)
  channel.end()
}

describe('a session on an instance', () => {
  it('logs in as the account of the engine, with the key of the Rack', async () => {
    const shown: Buffer[] = []
    const started = await startSshEngine(
      onCommand((channel) => exits(channel, 0)),
      (publicKey) => shown.push(publicKey) > 0,
    )
    const access = await accessTo(started)
    await runShell(access, requestOf(new TestClient()))
    expect(started.users.at(-1)).toBe('somebody')
    const [line = ''] = await access.sshKeys.authorizedKeys()
    expect(shown.at(-1)?.toString('base64')).toBe(line.split(' ')[1])
  })

  it('loses nothing of a command that is over at once', async () => {
    const started = await startSshEngine(
      onCommand((channel) => {
        channel.write('all of it')
        channel.stderr.write(' and this')
        exits(channel, 5)
      }),
    )
    const access = await accessTo(started)
    for (let run = 0; run < 5; run++) {
      const client = new TestClient()
      expect(await runShell(access, requestOf(client))).toBe(5)
      expect(client.output).toBe('all of it and this')
    }
  })

  it('passes the command, the terminal and the input on', async () => {
    const seen: unknown[] = []
    const started = await startSshEngine((session: Session) => {
      session.on('pty', (accept, _reject, { rows, cols, term }) => {
        seen.push({ rows, cols, term })
        accept?.()
      })
      session.on('exec', (accept, _reject, { command }) => {
        const channel = accept()
        seen.push(command)
        channel.on('data', (chunk: Buffer) => seen.push(chunk.toString()))
        channel.on('end', () => exits(channel, 0))
      })
    })
    const terminal = { rows: 41, columns: 97 }
    const request = requestOf(new TestClient('typed'), { command: 'a command', terminal })
    await runShell(await accessTo(started), request)
    expect(seen).toEqual([{ rows: 41, cols: 97, term: 'xterm' }, 'a command', 'typed'])
  })

  it.each([
    ['KILL', 137],
    ['TERM', 143],
    ['HUP', 129],
  ])('ended by %s has status %i', async (signal, status) => {
    const started = await startSshEngine(
      onCommand((channel) => {
        channel.exit(signal)
        channel.end()
      }),
    )
    expect(await runShell(await accessTo(started), requestOf(new TestClient()))).toBe(status)
  })

  it('is hung up and closed when the client is gone, and the reason is passed on', async () => {
    const signals: string[] = []
    const client = new AbortController()
    let closed: Promise<void> | undefined
    const started = await startSshEngine((session: Session) => {
      session.on('signal', (_accept, _reject, { name }) => signals.push(name))
      session.on('exec', (accept) => {
        const channel = accept()
        closed = new Promise((resolve) => channel.resume().once('close', resolve))
        channel.write('it runs')
        client.abort(new Error('the client is gone'))
      })
    })
    const request = requestOf(new TestClient(), { signal: client.signal })
    await expect(runShell(await accessTo(started), request)).rejects.toThrow('the client is gone')
    await closed
    expect(signals).toEqual(['HUP'])
  })

  it('is not begun for a client that is gone already', async () => {
    const started = await startSshEngine(onCommand((channel) => exits(channel, 0)))
    const signal = AbortSignal.abort(new Error('gone before'))
    const running = runShell(await accessTo(started), requestOf(new TestClient(), { signal }))
    await expect(running).rejects.toThrow('gone before')
    expect(started.connections).toEqual([])
  })
})

describe('an instance', () => {
  it('that refuses the key of the Rack is named, with the way out', async () => {
    const started = await startSshEngine(
      onCommand(() => {}),
      () => false,
    )
    await expect(
      runShell(await accessTo(started), requestOf(new TestClient())),
    ).rejects.toMatchObject({
      message: 'cannot log in to instance i-1',
      hint: expect.stringContaining('convox instances terminate i-1'),
    })
  })

  it('that refuses to start a session is named', async () => {
    const started = await startSshEngine((session: Session) => {
      session.on('exec', (_accept, reject) => void reject())
    })
    const running = runShell(await accessTo(started), requestOf(new TestClient()))
    await expect(running).rejects.toThrow('instance i-1 refused to start a session')
  })

  it('that goes away during a session is not an exit status', async () => {
    const started = await startSshEngine(
      onCommand((channel) => {
        channel.write('so far')
        for (const connection of started.connections) connection.end()
      }),
    )
    const client = new TestClient()
    const running = runShell(await accessTo(started), requestOf(client))
    await expect(running).rejects.toThrow('instance i-1 went away during the session')
    expect(client.output).toBe('so far')
  })

  it('that shows another host key than before does not get to see our login', async () => {
    const first = await startSshEngine(onCommand((channel) => exits(channel, 0)))
    const access = await accessTo(first)
    await runShell(access, requestOf(new TestClient()))
    const second = await startSshEngine(onCommand((channel) => exits(channel, 0)))
    const replaced = { ...access, engine: second.engine }
    const running = runShell(replaced, requestOf(new TestClient()))
    await expect(running).rejects.toThrow('instance i-1 shows another SSH host key')
    expect(second.users).toEqual([])
  })
})

/** The same engine behind a network that breaks off after so many bytes of what an instance sends. */
async function behindNetwork({ engine }: SshEngine) {
  const network = { passed: 0, cutAfter: Number.POSITIVE_INFINITY }
  const relay = createServer(async (client) => {
    const instance = await engine.dial('i-1')
    const end = () => {
      client.destroy()
      instance.destroy()
    }
    client.on('error', end).on('close', end).pipe(instance)
    instance.on('error', end).on('close', end)
    instance.on('data', (chunk) => {
      client.write(chunk.subarray(0, network.cutAfter - network.passed))
      network.passed += chunk.length
      if (network.passed >= network.cutAfter) client.destroySoon()
    })
  })
  relay.listen(0, '127.0.0.1')
  await once(relay, 'listening')
  onTestFinished(() => void relay.close())
  const { port } = relay.address() as AddressInfo
  const dial = async () => {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return socket
  }
  return { network, engine: { ...engine, dial } }
}

describe('a network between Rack and instance', () => {
  it('that is cut at any byte is never an exit status, whatever of the output arrived', async () => {
    const whole = 'x'.repeat(50_000)
    const started = await startSshEngine(
      onCommand((channel) => {
        channel.write(whole)
        exits(channel, 0)
      }),
    )
    const { network, engine } = await behindNetwork(started)
    const access = await accessTo({ engine })
    const run = async () => {
      network.passed = 0
      const client = new TestClient()
      const status = await runShell(access, requestOf(client)).catch((error: Error) => error)
      return { status, output: client.output }
    }
    expect(await run()).toEqual({ status: 0, output: whole })
    const length = network.passed
    for (const place of [0, 0.01, 0.02, 0.04, 0.3, 0.6, 0.9, 0.99]) {
      network.cutAfter = Math.floor(length * place)
      const { status, output } = await run()
      expect(status, `cut at ${network.cutAfter} of ${length}`).toMatchObject({
        code: 'rack-broken',
        message: expect.stringContaining('instance i-1'),
      })
      expect(whole.startsWith(output)).toBe(true)
    }
    network.cutAfter = Number.POSITIVE_INFINITY
    expect(await run()).toEqual({ status: 0, output: whole })
  })
})
