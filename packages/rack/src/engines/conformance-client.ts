import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { generateSshKeyPair } from '@keyrack/secrets'
import ssh2, { type Client, type ClientChannel, type ExecOptions } from 'ssh2'
import type { Engine } from './engine.ts'

/** What the engines' tests do over SSH, with the same library that the Rack uses. */

export interface CommandResult {
  stdout: Buffer
  stderr: Buffer
  code: number | null
  signal: string | undefined
}

export interface KeyPair {
  publicKey: string
  privateKey: string
}

/** A new pair whose public line is marked as one that the Rack installed. */
export function testKeyPair(generation = 1): KeyPair {
  // Not by ssh2, which cannot read one in 230 of the pairs that it makes.
  const { publicKey, privateKey } = generateSshKeyPair(`keyrack:${generation}`)
  return { publicKey, privateKey: privateKey.reveal() }
}

export async function logIn(
  engine: Engine,
  id: string,
  privateKey: string,
  username = engine.sshUser,
): Promise<Client> {
  const client = new ssh2.Client()
  const sock = await engine.dial(id)
  const hostKey = await engine.hostKey(id)
  client.connect({
    sock,
    username,
    privateKey,
    hostVerifier: (key: Buffer) =>
      hostKey === undefined || hostKey.split(' ')[1] === key.toString('base64'),
  })
  try {
    await once(client, 'ready')
  } catch (error) {
    client.on('error', () => {})
    client.end()
    throw error
  }
  // A machine that is killed resets its connections; the tests look at what follows from it.
  client.on('error', () => {})
  return client
}

const exits = new WeakMap<ClientChannel, Pick<CommandResult, 'code' | 'signal'>>()

/**
 * Remembers how a session ends. To be called in ssh2's own callback: the end of a short command can
 * be in the packet after the one that opened it, before any promise has gone on.
 */
export function noteExit(channel: ClientChannel): ClientChannel {
  channel.on('exit', (code: number | null, signal?: string) => {
    exits.set(channel, { code, signal })
  })
  return channel
}

export function openCommand(
  client: Client,
  command: string,
  options: ExecOptions = {},
): Promise<ClientChannel> {
  return new Promise((resolve, reject) => {
    client.exec(command, options, (error, channel) => {
      if (error) reject(error)
      else resolve(noteExit(channel))
    })
  })
}

/** Reads a session, opened with `noteExit`, to its end. */
export function collect(channel: ClientChannel): Promise<CommandResult> {
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  channel.on('data', (bytes: Buffer) => stdout.push(bytes))
  channel.stderr.on('data', (bytes: Buffer) => stderr.push(bytes))
  // ssh2 says that a channel is closed when stdout was read, with stderr perhaps still on its way.
  const closed = [channel, channel.stderr].map(
    (stream) => new Promise<void>((resolve) => void stream.once('close', () => resolve())),
  )
  return Promise.all(closed).then(() => ({
    stdout: Buffer.concat(stdout),
    stderr: Buffer.concat(stderr),
    ...(exits.get(channel) ?? { code: null, signal: undefined }),
  }))
}

export async function runCommand(
  client: Client,
  command: string,
  input: string | Uint8Array = '',
  options: ExecOptions = {},
): Promise<CommandResult> {
  const channel = await openCommand(client, command, options)
  const result = collect(channel)
  channel.end(input)
  return result
}

/** Looks until a condition holds; the caller's test has a time limit, this has none of its own. */
export async function until<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await look()
    if (found !== undefined) return found
    await delay(20)
  }
}

/** The ids of all instances, once `count` of them run and nothing else is in the list. */
export function runningIds(engine: Engine, count: number): Promise<string[]> {
  return until(async () => {
    const instances = await engine.instances()
    const running = instances.filter(({ status, agent }) => status === 'running' && agent)
    if (running.length !== count || instances.length !== count) return undefined
    return instances.map(({ id }) => id)
  })
}
