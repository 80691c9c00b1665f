import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  watch,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { Secret } from '@keyrack/secrets/secret'
import { describe, expect, it } from 'vitest'
import { KEY, logIn, newConsole, newPerson, type Person } from '../testing/person.ts'
import { LAUNCHER, startConvox } from '../testing/run-convox.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { ConfigFolder } from './config-folder.ts'
import { saveLogin } from './login-state.ts'

const FILES = ['auth', 'current', 'fingerprints', 'host', 'rack']

function mode(path: string): number {
  return statSync(path).mode & 0o777
}

function listOf(ann: Person): string[] {
  return readdirSync(join(ann.home, '.convox')).sort()
}

describe('the configuration folder', () => {
  it('and its files are open to nobody else, whatever the umask', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const before = process.umask(0)
    try {
      await logIn(ann, server)
    } finally {
      process.umask(before)
    }
    expect(mode(join(ann.home, '.convox'))).toBe(0o700)
    for (const file of FILES) expect(mode(join(ann.home, '.convox', file))).toBe(0o600)
    expect(listOf(ann)).toEqual(FILES)
  })

  it('is closed to others again, with a notice, when an older CLI left it open', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const folder = join(ann.home, '.convox')
    chmodSync(folder, 0o755)
    chmodSync(join(folder, 'rack'), 0o644)
    const ran = await ann.run(['racks'])
    expect(ran.status).toBe(0)
    expect(ran.stderr).toContain(`${folder} was open to other users`)
    expect(ran.stderr).toContain(`${folder}/rack was open to other users`)
    expect([mode(folder), mode(join(folder, 'rack'))]).toEqual([0o700, 0o600])
    expect((await ann.run(['racks'])).stderr).toBe('')
  })

  it('that everybody shares is left as it is', () => {
    const folder = temporaryFolder()
    chmodSync(folder, 0o1777)
    writeFileSync(join(folder, 'host'), 'example.com')
    new ConfigFolder(folder, () => {}).read('host')
    expect(statSync(folder).mode & 0o7777).toBe(0o1777)
  })

  it('is not created by reading', async () => {
    const ann = newPerson()
    for (const args of [['racks'], ['auth'], ['switch'], ['logout'], ['help'], ['version']]) {
      await ann.run(args)
    }
    expect(readdirSync(ann.home)).toEqual([])
  })

  it('can be elsewhere', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const env = { CONVOX_CONFIG: join(ann.home, 'a', 'b') }
    const args = ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint]
    expect((await ann.run(args, { stdin: KEY, env })).status).toBe(0)
    expect(readdirSync(join(ann.home, 'a', 'b')).sort()).toEqual(FILES)
    expect((await ann.run(['racks'])).status).toBe(4)
  })

  it('that is a file of the first CLIs is an error that says what to do', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const path = join(ann.home, '.convox')
    writeFileSync(path, 'host\nkey\n')
    for (const args of [['racks'], ['login', server.host, '--password-stdin']]) {
      const ran = await ann.run(args, { stdin: KEY })
      expect(ran.status).toBe(1)
      expect(ran.stderr).toContain(`mv ${path} ${path}.old`)
    }
    expect(readFileSync(path, 'utf8')).toBe('host\nkey\n')
  })
})

describe('a damaged file', () => {
  it.each([
    ['cut', '{"example.com": "k'],
    ['empty', ''],
    ['a list', '["example.com"]'],
    ['null', 'null'],
    ['of wrong types', '{"example.com": {"key": "k"}}'],
    ['of numbers', '{"example.com": 7}'],
  ])('that is %s is named, with what to run, and never overwritten', async (_name, text) => {
    const [ann, server] = [newPerson(), await newConsole()]
    ann.store('auth', text)
    ann.store('host', 'example.com')
    const path = join(ann.home, '.convox', 'auth')
    for (const args of [
      ['racks'],
      ['auth'],
      ['logout'],
      ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint],
    ]) {
      const ran = await ann.run(args, { stdin: KEY })
      expect(ran.status).toBe(1)
      expect(ran.stderr).toContain(`${path} is damaged`)
      expect(ran.stderr).toContain(`mv ${path} ${path}.damaged`)
      // What can still be read in it is a key.
      expect(ran.stderr).not.toContain('"k')
    }
    expect(ann.stored('auth')).toBe(text)
    expect(ann.stored('host')).toBe('example.com')
    expect(server.asked).toEqual([])
    // The command that the error names helps.
    spawnSync('mv', [path, `${path}.damaged`])
    await logIn(ann, server)
    expect(ann.stored('auth.damaged')).toBe(text)
  })

  it('of fingerprints is no reason to trust anybody', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const asked = server.asked.length
    for (const text of ['{', `{"${server.host}": "00"}`]) {
      ann.store('fingerprints', text)
      expect((await ann.run(['racks'])).status).toBe(1)
    }
    expect(server.asked).toHaveLength(asked)
  })

  it('may have a byte order mark, and names of the prototype as hosts', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    ann.store('auth', '\uFEFF{"__proto__": "x", "constructor": "y"}')
    await logIn(ann, server)
    expect(Object.entries(JSON.parse(ann.stored('auth') ?? ''))).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
      [server.host, KEY],
    ])
  })

  it('that is no file at all does not stop the command for ever', async () => {
    const ann = newPerson()
    mkdirSync(join(ann.home, '.convox'), { mode: 0o700 })
    spawnSync('mkfifo', ['-m', '600', join(ann.home, '.convox', 'host')])
    expect((await ann.run(['racks'])).status).toBe(1)
  })
})

describe('writing', () => {
  it('of many logins at once loses none of them', async () => {
    const ann = newPerson()
    const servers = await Promise.all(Array.from({ length: 8 }, () => newConsole()))
    await Promise.all(servers.map((server) => logIn(ann, server)))
    const keys = JSON.parse(ann.stored('auth') ?? '')
    expect(Object.keys(keys).sort()).toEqual(servers.map(({ host }) => host).sort())
    expect(Object.keys(JSON.parse(ann.stored('fingerprints') ?? ''))).toHaveLength(8)
    // The last one wins as a whole: its host with its Rack.
    expect(servers.map(({ host }) => host)).toContain(ann.stored('host'))
    expect(ann.stored('rack')).toBe('acme/dev')
    expect(listOf(ann)).toEqual(FILES)
  })

  it('of logins, logouts and switches at once leaves what some order of them leaves', async () => {
    const racks = ['dev', 'live'].map((name) => ({ name: `acme/${name}`, status: 'running' }))
    const [ann, first, second] = [newPerson(), await newConsole({ racks }), await newConsole()]
    for (let round = 1; round <= 4; round++) {
      await logIn(ann, second)
      await logIn(ann, first)
      const runs = await Promise.all([
        ann.run(['switch', 'acme/dev', '--host', first.host]),
        ann.run(['switch', 'acme/live', '--host', first.host]),
        ann.run(['logout', second.host]),
        ann.run(['logout', second.host]),
        ann.run(['login', first.host, '-p', KEY]),
      ])
      const [dev, live, out, again, login] = runs.map(({ status }) => status)
      expect([dev, live, login], JSON.stringify(runs)).toEqual([0, 0, 0])
      // Both saw the key, and one of them removed it.
      expect([out, again].toSorted()).toEqual([0, 4])
      expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({ [first.host]: KEY })
      const chosen = JSON.parse(ann.stored('current') ?? '')[first.host]
      expect(ann.stored('host')).toBe(first.host)
      expect(ann.stored('rack')).toBe(chosen)
      expect(['acme/dev', 'acme/live', undefined]).toContain(chosen)
    }
    expect(listOf(ann)).toEqual(expect.arrayContaining(FILES.filter((file) => file !== 'rack')))
    expect(listOf(ann).filter((file) => !FILES.includes(file))).toEqual([])
  })

  it('that is killed at any moment leaves the old or the new text, and stops nobody', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    ann.store('auth', '{"other.example.com": "other"}')
    const folder = join(ann.home, '.convox')
    const args = ['login', server.host, '-p', KEY, '--fingerprint', server.fingerprint]
    let killed = 0
    for (let change = 1; change <= 30; change++) {
      const child = startConvox(args, { env: { HOME: ann.home } })
      // The process dies at its nth change of the folder, or shortly after.
      let changes = 0
      const watcher = watch(folder, () => {
        changes++
        if (changes === change) child.kill('SIGKILL')
      })
      const [, signal] = await once(child, 'exit')
      watcher.close()
      if (signal === 'SIGKILL') killed++
      const keys = JSON.parse(ann.stored('auth') ?? '')
      expect(keys['other.example.com']).toBe('other')
      expect([undefined, KEY]).toContain(keys[server.host])
      const rack = ann.stored('rack')
      if (ann.stored('host') !== server.host) expect(rack).toBeUndefined()
    }
    expect(killed).toBeGreaterThan(0)
    await logIn(ann, server)
    expect(listOf(ann)).toEqual(FILES)
  })

  it('to a full disk says so and changes nothing', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    server.state.keys.set('new', 'ann@example.com')
    const before = FILES.map(ann.stored)
    // A limit of nothing for the size of files is the nearest to a full disk without being root.
    const ran = spawnLimited(ann, ['login', server.host, '-p', 'new'])
    const { status, stderr } = await ran
    expect(status).toBe(1)
    expect(stderr).toContain('the disk is full')
    expect(FILES.map(ann.stored)).toEqual(before)
    expect(listOf(ann)).toEqual(FILES)
  })

  it('to a folder that is read-only says so and changes nothing', async () => {
    const folder = temporaryFolder()
    const script = `
      const { ConfigFolder } = await import(process.argv[1])
      if (process.getuid() === 0) process.setuid(65534)
      const folder = new ConfigFolder(process.argv[2], () => {})
      await folder.update((writer) => writer.write('host', 'x')).catch((error) => {
        console.log(error.name, error.message, error.hint)
      })`
    const built = new URL('../../dist/config-folder/config-folder.js', import.meta.url).href
    writeFileSync(join(folder, 'host'), 'before')
    chmodSync(folder, 0o555)
    for (const path of [folder, join(folder, 'new')]) {
      const args = ['--input-type=module', '-e', script, built, path]
      const ran = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
      expect(ran.stdout).toMatch(
        /^Failure cannot write .+: it is read-only for you make it writable/,
      )
    }
    expect(readFileSync(join(folder, 'host'), 'utf8')).toBe('before')
  })

  it('through a link keeps the link', async () => {
    const [home, elsewhere] = [temporaryFolder(), temporaryFolder()]
    writeFileSync(join(elsewhere, 'my-auth'), '{}')
    symlinkSync(join(elsewhere, 'my-auth'), join(home, 'auth'))
    const folder = new ConfigFolder(home, () => {})
    const login = { host: 'example.com', key: Secret.of('k'), pin: undefined, rack: undefined }
    await saveLogin(folder, login)
    expect(lstatSync(join(home, 'auth')).isSymbolicLink()).toBe(true)
    expect(JSON.parse(readFileSync(join(elsewhere, 'my-auth'), 'utf8'))).toEqual({
      'example.com': 'k',
    })
  })
})

async function spawnLimited(ann: Person, args: string[]) {
  const { spawn } = await import('node:child_process')
  const command = ['-c', 'ulimit -f 0; exec "$0" "$@"', process.execPath, LAUNCHER, ...args]
  const child = spawn('/bin/sh', command, {
    env: { HOME: ann.home, PATH: process.env.PATH },
    detached: true,
  })
  let stderr = ''
  child.stderr.on('data', (data: Buffer) => {
    stderr += data.toString('utf8')
  })
  await once(child, 'close')
  return { status: child.exitCode, stderr }
}
