import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runningIds } from '../conformance-client.ts'
import { Lab } from './fixture/lab.ts'

const installed = ['ssh', 'ssh-keygen'].every(
  (program) => spawnSync(program, ['-?'], { stdio: 'ignore' }).error === undefined,
)
/** CI names what must be there, so that an absent part is a failure and not a test less. */
const required = (process.env.REQUIRE ?? '').split(',').includes('ssh')

describe.skipIf(!installed && !required)('a local instance, for the OpenSSH client', () => {
  let lab: Lab
  let destination: string[]
  beforeAll(async () => {
    lab = await Lab.open()
    const key = keygen('key')
    keygen('other')
    const engine = lab.engine({ authorizedKeys: async () => [key] })
    await engine.start()
    const [id = ''] = await runningIds(engine, 1)
    const socket = await engine.dial(id)
    const port = String(Reflect.get(socket, 'remotePort'))
    socket.destroy()
    const known = join(lab.folder, 'known_hosts')
    await writeFile(known, `[127.0.0.1]:${port} ${await engine.hostKey(id)}\n`)
    destination = [
      ...['-F', '/dev/null', '-p', port],
      ...['BatchMode=yes', 'IdentitiesOnly=yes', 'IdentityAgent=none', 'LogLevel=ERROR'].flatMap(
        (option) => ['-o', option],
      ),
      ...['-o', `UserKnownHostsFile=${known}`, '-o', 'StrictHostKeyChecking=yes'],
      `${engine.sshUser}@127.0.0.1`,
    ]
  })
  afterAll(() => lab?.close())

  /** A key pair made by ssh-keygen; returns the public line. */
  function keygen(name: string): string {
    const file = join(lab.folder, name)
    const made = spawnSync('ssh-keygen', [
      '-q',
      '-t',
      'ed25519',
      '-N',
      '',
      '-C',
      'keyrack:1',
      '-f',
      file,
    ])
    expect(made.status).toBe(0)
    return spawnSync('ssh-keygen', ['-y', '-f', file], { encoding: 'utf8' }).stdout.trim()
  }

  async function ssh(command: string[], { key = 'key', options = [''].slice(1), input = '' } = {}) {
    const args = ['-i', join(lab.folder, key), ...options, ...destination, ...command]
    const child = spawn('ssh', args, { stdio: ['pipe', 'pipe', 'pipe'] })
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, 'close'),
    ])
    return { stdout, stderr, code }
  }

  it('logs in with its key and host key checked, and tells output, input and status', async () => {
    const result = await ssh(['cat; echo problem >&2; exit 7'], { input: 'typed' })
    expect(result).toEqual({ stdout: 'typed', stderr: 'problem\n', code: 7 })
  })

  it('does not log in with another key', async () => {
    const result = await ssh(['true'], { key: 'other' })
    expect(result.code).toBe(255)
    expect(result.stderr).toContain('Permission denied (publickey)')
  })

  it('gives a terminal', async () => {
    const result = await ssh(['test -t 0 && echo "$TERM" is a terminal; exit 3'], {
      options: ['-tt'],
    })
    expect(result.stdout).toContain('is a terminal\r\n')
    expect(result.code).toBe(3)
  })

  it('carries more than fits in any buffer', async () => {
    const input = 'keyrack '.repeat(1024 * 1024)
    const result = await ssh(['cat'], { input })
    expect(result.code).toBe(0)
    expect(result.stdout === input).toBe(true)
  })

  it('forwards no ports', async () => {
    const options = ['-o', 'ExitOnForwardFailure=yes', '-R', '127.0.0.1:0:127.0.0.1:9']
    expect((await ssh(['true'], { options })).code).toBe(255)
  })
})
