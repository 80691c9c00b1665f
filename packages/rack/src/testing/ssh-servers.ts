import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { chmod, chown, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { waitUntil } from './wait-until.ts'

/**
 * Real SSH servers, Debian's OpenSSH and Dropbear, as instances of a Rack under test. Each has an
 * account `keyrack` with a home of its own: both servers ask the system for accounts, so
 * libnss_wrapper answers in its place from a file of the test. As root the account has its own user
 * id, so that a folder without write permission is one.
 */
export type ServerKind = 'sshd' | 'dropbear'

export const SSH_USER = 'keyrack'
const SSHD = '/usr/sbin/sshd'
const DROPBEAR = '/usr/sbin/dropbear'
const ACCOUNT_ID = 20_001
const WRAPPER = 'libnss_wrapper.so'

/** Which of them this machine has. */
export function serverKinds(): ServerKind[] {
  if (process.platform !== 'linux') return []
  const kinds: Array<[ServerKind, string]> = [
    ['sshd', SSHD],
    ['dropbear', DROPBEAR],
  ]
  const preload = spawnSync('/bin/true', [], { env: { LD_PRELOAD: WRAPPER }, encoding: 'utf8' })
  if (preload.stderr !== '') return []
  return kinds
    .filter(([, program]) => spawnSync(program, ['-V'], { stdio: 'ignore' }).error === undefined)
    .map(([kind]) => kind)
}

export class SshServer {
  readonly kind: ServerKind
  readonly folder: string
  port = 0
  #child: ChildProcess | undefined
  #proxy: Server | undefined
  #serverPort = 0
  #settings = ''

  private constructor(kind: ServerKind, folder: string) {
    this.kind = kind
    this.folder = folder
  }

  static async make(kind: ServerKind, lines: readonly string[]): Promise<SshServer> {
    const server = new SshServer(kind, await mkdtemp(join(tmpdir(), `keyrack-${kind}-`)))
    await server.#prepare(lines)
    await server.start()
    return server
  }

  get home(): string {
    return join(this.folder, 'home')
  }

  get authorizedKeys(): Promise<string> {
    return readFile(join(this.home, '.ssh', 'authorized_keys'), 'utf8')
  }

  get isUp(): boolean {
    return this.#child !== undefined
  }

  async start(): Promise<void> {
    for (let attempt = 0; !this.isUp; attempt++) {
      if (attempt === 10) throw new Error(`${this.kind} does not start`)
      if (this.#serverPort === 0 || attempt > 0) this.#serverPort = await freePort()
      await this.#launch()
    }
    if (this.#proxy === undefined) this.port = this.#serverPort
  }

  /** As a power cut: the listener and every connection are gone at once. */
  async stop(): Promise<void> {
    const child = this.#child
    if (child?.pid === undefined) return
    this.#child = undefined
    const gone = once(child, 'exit')
    for (const pid of descendants(child.pid)) kill(pid)
    await gone
  }

  /** Every packet of either side takes so long. */
  async slowDown(milliseconds: number): Promise<void> {
    this.#proxy = createServer((incoming) => {
      const outgoing = connect(this.#serverPort, '127.0.0.1')
      for (const [from, to] of [
        [incoming, outgoing],
        [outgoing, incoming],
      ] as const) {
        from.on('data', (chunk) => setTimeout(() => to.write(chunk), milliseconds))
        from.once('close', () => setTimeout(() => to.destroy(), milliseconds))
        from.on('error', () => {})
      }
    })
    this.#proxy.listen(0, '127.0.0.1')
    await once(this.#proxy, 'listening')
    const address = this.#proxy.address()
    if (address !== null && typeof address !== 'string') this.port = address.port
  }

  async setWritable(writable: boolean): Promise<void> {
    await chmod(join(this.home, '.ssh'), writable ? 0o700 : 0o500)
  }

  /** From now on the server believes a copy of authorized_keys, and not what is written into it. */
  async believeCopy(): Promise<void> {
    if (this.kind !== 'sshd') throw new Error('only sshd can be told which file to read')
    // Within the home, since sshd takes no file that others could move away.
    const copy = join(this.home, 'copy')
    await writeFile(copy, await this.authorizedKeys, { mode: 0o644 })
    this.#settings = `AuthorizedKeysFile ${copy}\n`
    await this.stop()
    await this.start()
  }

  async believeFileAgain(): Promise<void> {
    this.#settings = ''
    await this.stop()
    await this.start()
  }

  async replaceHostKey(): Promise<void> {
    await rm(join(this.folder, 'host'))
    this.#makeHostKey()
    await this.stop()
    await this.start()
  }

  async remove(): Promise<void> {
    await this.stop()
    this.#proxy?.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  async #prepare(lines: readonly string[]): Promise<void> {
    const root = process.getuid?.() === 0
    const id = root ? ACCOUNT_ID : (process.getuid?.() ?? 0)
    // The account has to get to its home; nothing here is secret but the host key, which is 0600.
    await chmod(this.folder, 0o755)
    await mkdir(join(this.home, '.ssh'), { recursive: true, mode: 0o700 })
    await chmod(this.home, 0o700)
    const file = join(this.home, '.ssh', 'authorized_keys')
    await writeFile(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
    if (root) {
      for (const path of [this.home, join(this.home, '.ssh'), file]) await chown(path, id, id)
      await mkdir('/run/sshd', { recursive: true })
    }
    await writeFile(
      join(this.folder, 'passwd'),
      `root:x:0:0::/root:/bin/sh\n${SSH_USER}:x:${id}:${id}::${this.home}:/bin/sh\n` +
        'sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n',
    )
    await writeFile(
      join(this.folder, 'group'),
      `root:x:0:\n${SSH_USER}:x:${id}:\nnogroup:x:65534:\n`,
    )
    this.#makeHostKey()
  }

  #makeHostKey(): void {
    const file = join(this.folder, 'host')
    const [program, args] =
      this.kind === 'sshd'
        ? (['ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', file]] as const)
        : (['dropbearkey', ['-t', 'ed25519', '-f', file]] as const)
    const made = spawnSync(program, args, { stdio: 'ignore' })
    if (made.status !== 0) throw new Error(`${program} made no host key`)
  }

  async #launch(): Promise<void> {
    const { folder, kind } = this
    const port = String(this.#serverPort)
    if (kind === 'sshd') {
      await writeFile(
        join(folder, 'config'),
        `Port ${port}\nListenAddress 127.0.0.1\nHostKey ${join(folder, 'host')}\nUsePAM no\n` +
          'PasswordAuthentication no\nKbdInteractiveAuthentication no\nPidFile none\n' +
          this.#settings,
      )
    }
    const [program, args] =
      kind === 'sshd'
        ? [SSHD, ['-D', '-e', '-f', join(folder, 'config')]]
        : [DROPBEAR, ['-F', '-E', '-s', '-p', `127.0.0.1:${port}`, '-r', join(folder, 'host')]]
    const child = spawn(
      program,
      [...args, ...(kind === 'dropbear' ? ['-P', join(folder, 'pid')] : [])],
      {
        env: {
          PATH: process.env.PATH ?? '',
          LD_PRELOAD: WRAPPER,
          NSS_WRAPPER_PASSWD: join(folder, 'passwd'),
          NSS_WRAPPER_GROUP: join(folder, 'group'),
        },
        stdio: 'ignore',
      },
    )
    let ended = false
    child.once('exit', () => {
      ended = true
      if (this.#child === child) this.#child = undefined
    })
    await waitUntil(async () => ended || (await answers(this.#serverPort)))
    if (!ended) this.#child = child
  }
}

/** A process and everything that it started: both servers have a process for each connection. */
function descendants(pid: number): number[] {
  const parents = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)] as const)
  const found = [pid]
  for (const one of found) {
    for (const [child, parent] of parents) if (parent === one) found.push(child)
  }
  return found
}

function parentOf(pid: string): number {
  try {
    // proc(5): the name stands in parentheses and may hold anything; the state follows, then the parent.
    const [, parent = ''] = (
      readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1) ?? ''
    ).split(' ')
    return Number(parent)
  } catch {
    return 0
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return address.port
}

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'data')
    return true
  } catch {
    return false
  } finally {
    socket.on('error', () => {})
    socket.destroy()
  }
}
