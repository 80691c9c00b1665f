import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { logIn, newConsole, newPerson, type Person } from '../testing/person.ts'
import { LAUNCHER } from '../testing/run-convox.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'

/** A Rack as an earlier command left it. */
function leave(person: Person, name: string, record: unknown, text?: string): string {
  const folder = join(person.home, '.convox', 'installed', name)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (record !== undefined) writeFileSync(join(folder, 'record'), text ?? JSON.stringify(record))
  return folder
}

const FINGERPRINT = 'ab'.repeat(32)
const STOPPED = { host: 'localhost:1', fingerprint: FINGERPRINT, installed: true }

describe('a line that cannot be meant', () => {
  it.each([
    ['install', 'convox install --name NAME'],
    ['install --name', 'see: convox help install'],
    ['install aws --name a', 'convox install local'],
    ['rack install aws a', 'convox install local'],
    ['rack install local', "missing required argument 'name'"],
    ['install --name a b', 'is not a place'],
    ['rack start', "missing required argument 'name'"],
    ['rack stop a b', 'see: convox help rack stop'],
    ['uninstall', "missing required argument 'name'"],
    ['rack strat lab', 'did you mean: convox rack start'],
  ])('ends with 2 and makes nothing: convox %s', async (line, text) => {
    const ann = newPerson()
    const ran = await ann.run(line.split(' '))
    expect([ran.status, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toContain(text)
    expect(ann.stored('auth')).toBeUndefined()
  })

  it.each(['', ' ', 'Lab', '1st', '../up', 'a/b', 'local/', 'a'.repeat(27), 'x'.repeat(5000)])(
    'is refused for its name: %j',
    async (name) => {
      const ann = newPerson()
      for (const line of [
        ['install', '--name', name],
        ['rack', 'install', 'local', name],
        ['rack', 'start', name],
        ['rack', 'stop', name],
        ['rack', 'reset-key', name, '--force'],
        ['uninstall', name, '--force'],
      ]) {
        const ran = await ann.run(line)
        expect([ran.status, ran.stdout], JSON.stringify(ran)).toEqual([2, ''])
        expect(ran.stderr.length).toBeLessThan(400)
      }
      expect(ann.stored('auth')).toBeUndefined()
    },
  )

  it('is refused for a name with control characters, which are not printed', async () => {
    const ran = await newPerson().run(['install', '--name', '\u001b[2Jlab'])
    expect([ran.status, ran.stderr.includes('\u001b')]).toEqual([2, false])
  })
})

describe('a Rack that is not there', () => {
  it.each([
    ...['rack start lab', 'rack stop lab', 'rack reset-key lab --force', 'uninstall lab'],
    'uninstall lab --force',
  ])('is said to be none, and nothing is made: convox %s', async (line) => {
    const ann = newPerson()
    const ran = await ann.run(line.split(' '))
    expect(ran).toMatchObject({ status: 1, stdout: '' })
    expect(ran.stderr).toBe(
      'ERROR: there is no Rack local/lab; see which there are: convox racks\n',
    )
    expect(ann.stored('installed')).toBeUndefined()
  })
})

describe('a disk that cannot be written', () => {
  it('is told as such, and what was begun can be finished or removed', async () => {
    const ann = newPerson()
    const line = `ulimit -f 0; exec "$0" "$@"`
    const args = ['-c', line, process.execPath, LAUNCHER, 'install', '--name', 'lab']
    const full = spawnSync('/bin/sh', args, {
      env: { HOME: ann.home },
      encoding: 'utf8',
      timeout: 60_000,
    })
    expect(full.status).toBe(1)
    expect(full.stderr).toMatch(/ERROR: cannot write .*\/installed\/lab: the disk is full; .+\n$/)
    expect((await ann.run(['racks'])).stdout).toContain('local/lab  incomplete')
    expect((await ann.run(['rack', 'start', 'lab'])).stderr).toContain('convox install --name lab')
    expect((await ann.run(['uninstall', 'lab', '--force'])).status).toBe(0)
  })

  it('and a file in the place of the folder, too', async () => {
    const ann = newPerson()
    ann.store('installed', 'a file')
    const ran = await ann.run(['install', '--name', 'lab'])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('cannot write')
    expect(ann.stored('auth')).toBeUndefined()
  })
})

describe('convox racks', () => {
  it('says of each Rack of this machine how it is, behind those of the Console', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    leave(ann, 'lab', STOPPED)
    leave(ann, 'cut', { host: 'localhost:2', installed: false })
    leave(ann, 'empty', undefined)
    leave(ann, 'odd', {}, '{')
    leave(ann, 'Not-a-name', STOPPED)
    const ran = await ann.run(['racks'])
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    expect(ran.stdout).toBe(
      'NAME         STATUS      CURRENT\nacme/dev     running     *\nlocal/cut    incomplete\n' +
        'local/empty  incomplete\nlocal/lab    stopped\nlocal/odd    failed\n',
    )
    const json = JSON.parse((await ann.run(['racks', '--json'])).stdout)
    expect(json).toHaveLength(5)
    expect(json[3]).toEqual({
      name: 'lab',
      organization: { id: '', name: 'local' },
      provider: 'local',
      status: 'stopped',
      host: 'localhost:1',
    })
    const only = await ann.run(['racks', '--host', server.host])
    expect(only.stdout).toBe('NAME      STATUS   CURRENT\nacme/dev  running  *\n')
  })

  it('lists those of the Consoles beside them from wherever commands go to', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    leave(ann, 'lab', STOPPED)
    await ann.run(['switch', 'lab'])
    const ran = await ann.run(['racks'])
    expect([ran.status, ran.stdout, ran.stderr]).toEqual([
      0,
      'NAME       STATUS   CURRENT\nacme/dev   running\nlocal/lab  stopped  *\n',
      '',
    ])
    const json = JSON.parse((await ann.run(['racks', '--json'])).stdout)
    expect(json).toMatchObject([
      { name: 'dev', organization: { name: 'acme' }, host: server.host },
      { name: 'lab', organization: { name: 'local' }, host: 'localhost:1' },
    ])
    await server.close()
    const without = await ann.run(['racks'])
    expect([without.status, without.stdout]).toEqual([
      0,
      'NAME       STATUS   CURRENT\nlocal/lab  stopped  *\n',
    ])
    expect(without.stderr).toContain(`${server.host} is left out: `)
  })

  it('and switch find the Consoles again when the Rack that commands went to is gone', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    leave(ann, 'lab', STOPPED)
    await ann.run(['switch', 'lab'])
    expect((await ann.run(['uninstall', 'lab', '--force'])).status).toBe(0)
    const lost = await ann.run(['rack'])
    expect([lost.status, lost.stderr]).toEqual([
      4,
      'ERROR: no host is chosen; see your Racks: convox racks, and choose one: convox switch ORG/RACK\n',
    ])
    expect((await ann.run(['racks'])).stdout).toBe(
      'NAME      STATUS   CURRENT\nacme/dev  running\n',
    )
    expect((await ann.run(['switch', 'dev'])).stdout).toBe('Switched to acme/dev\n')
    expect((await ann.run(['rack'])).status).toBe(0)
  })

  it('needs no login for them', async () => {
    const ann = newPerson()
    expect((await ann.run(['racks'])).status).toBe(4)
    leave(ann, 'lab', STOPPED)
    expect((await ann.run(['racks'])).stdout).toContain('local/lab  stopped')
  })

  it('shows them, and fails, when the Console does not answer or there is no key for it', async () => {
    const ann = newPerson()
    leave(ann, 'lab', STOPPED)
    for (const [env, status] of [
      [{ CONVOX_HOST: 'localhost:2', CONVOX_PASSWORD: 'key' }, 1],
      [{ CONVOX_HOST: 'localhost:2' }, 4],
      [{ RACK_URL: 'https://convox:key@localhost:2' }, 1],
    ] as const) {
      const ran = await ann.run(['racks'], { env })
      expect(ran).toMatchObject({ status })
      expect(ran.stdout).toContain('local/lab  stopped')
      expect(ran.stderr).toContain('localhost:2')
      expect(await ann.run(['racks', '--json'], { env })).toMatchObject({ status, stdout: '' })
    }
  })

  it('of this machine whose key was rolled by a Console says what to do instead of a login', async () => {
    const [ann, rack] = [newPerson(), await newConsole()]
    await logIn(ann, rack)
    rack.state.keys.clear()
    leave(ann, 'lab', { ...STOPPED, host: rack.host, fingerprint: rack.fingerprint })
    const ran = await ann.run(['rack', '-r', 'local/lab'])
    expect([ran.status, ran.stderr]).toEqual([
      4,
      'ERROR: this key is not valid; use it through the Console that rolled its key, ' +
        'or make another: convox rack reset-key lab\n',
    ])
  })

  it('does not take a stranger with the number of a dead Rack for it', async () => {
    const ann = newPerson()
    const folder = leave(ann, 'lab', STOPPED)
    writeFileSync(join(folder, 'process'), `${process.pid} 1 running\n`)
    expect((await ann.run(['racks'])).stdout).toContain('local/lab  stopped')
    expect((await ann.run(['rack', 'stop', 'lab'])).stdout).toBe('local/lab is not running\n')
  })
})

describe('convox switch', () => {
  it('goes to a Rack of this machine and back to the Console', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    leave(ann, 'lab', STOPPED)
    expect((await ann.run(['switch', 'lab'])).stdout).toBe('Switched to local/lab\n')
    expect([ann.stored('host'), ann.stored('rack')]).toEqual(['localhost:1', 'localhost:1'])
    expect((await ann.run(['switch'])).stdout).toBe('local/lab\n')
    expect((await ann.run(['switch', 'nope'])).stderr).toContain('there is no Rack "nope"')
    expect((await ann.run(['switch', 'dev'])).stdout).toBe('Switched to acme/dev\n')
    expect([ann.stored('host'), ann.stored('rack')]).toEqual([server.host, 'acme/dev'])
  })

  it('takes local/NAME from the flag, and sends its key and no Rack header', async () => {
    const [ann, lab] = [newPerson(), await newConsole()]
    const [, port] = lab.host.split(':')
    leave(ann, 'lab', { host: `localhost:${port}`, installed: true })
    await logIn(ann, lab)
    const ran = await ann.run(['instances', '-r', 'local/lab'], {
      env: { CONVOX_HOST: 'elsewhere.example.com', CONVOX_PASSWORD: 'another' },
    })
    expect(ran.status).toBe(0)
    expect(lab.asked.at(-1)?.headers.rack).toBeUndefined()
  })
})

describe('convox logout', () => {
  it('keeps the only key of a Rack of this machine', async () => {
    const ann = newPerson()
    leave(ann, 'lab', STOPPED)
    ann.store('auth', '{"localhost:1":"key"}')
    const ran = await ann.run(['logout', 'localhost:1'])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('convox uninstall lab')
    expect(ann.stored('auth')).toContain('localhost:1')
  })
})

describe('convox uninstall', () => {
  it('asks for the name at a terminal, and removes nothing for another one', async () => {
    const ann = newPerson()
    leave(ann, 'lab', STOPPED)
    ann.store('auth', '{"localhost:1":"key","other:1":"kept"}')
    ann.store('fingerprints', JSON.stringify({ 'localhost:1': FINGERPRINT }))
    ann.store('host', 'localhost:1')
    ann.store('rack', 'localhost:1')
    const no = ann.sit(['uninstall', 'lab'])
    await no.shows('Type lab to go on:')
    no.type('yes\r')
    expect(await no.ended).toMatchObject({ status: 1 })
    expect((await ann.run(['racks'])).stdout).toContain('local/lab')

    const yes = ann.sit(['uninstall', 'lab'])
    await yes.shows('Type lab to go on:')
    yes.type('lab\r')
    expect(await yes.ended).toMatchObject({ status: 0 })
    expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({ 'other:1': 'kept' })
    expect(ann.stored('fingerprints')).toBe('{}')
    expect([ann.stored('host'), ann.stored('rack')]).toEqual([undefined, undefined])
  })

  it('without a terminal needs --force', async () => {
    const ann = newPerson()
    leave(ann, 'lab', STOPPED)
    const ran = await ann.run(['uninstall', 'lab'], { stdin: 'lab\n' })
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('--force')
  })

  it('removes the lock of a command that was killed before it made anything', async () => {
    const ann = newPerson()
    const root = join(ann.home, '.convox', 'installed')
    mkdirSync(root, { recursive: true, mode: 0o700 })
    symlinkSync(`${hostname()}:${process.pid}:1:0123456789abcdef`, join(root, 'lab.lock'))
    expect((await ann.run(['uninstall', 'lab', '--force'])).status).toBe(0)
    expect(readdirSync(root)).toEqual([])
  })

  it.each([
    ['what a killed uninstall left', undefined, undefined],
    ['a damaged record', {}, '{"host":'],
    ['a record of somebody else', {}, '{"host":"evil.example.com:443","installed":true}'],
    ['a huge record', {}, 'x'.repeat(10_000)],
  ])('removes %s', async (_, record, text) => {
    const ann = newPerson()
    leave(ann, 'lab', record, text)
    expect((await ann.run(['uninstall', 'lab', '--force'])).status).toBe(0)
    expect((await ann.run(['uninstall', 'lab', '--force'])).stderr).toContain('there is no Rack')
  })
})

describe('a command line without the Rack beside it', () => {
  it('says that it cannot install one', async () => {
    const folder = temporaryFolder()
    const own = fileURLToPath(new URL('../../', import.meta.url))
    for (const part of ['bin', 'dist', 'package.json']) {
      cpSync(join(own, part), join(folder, 'cli', part), { recursive: true })
    }
    symlinkSync(join(own, '..', '..', 'node_modules'), join(folder, 'node_modules'))
    const launcher = join(folder, 'cli', 'bin', 'convox.js')
    const args = [launcher, 'install', '--name', 'lab']
    const ran = spawnSync(process.execPath, args, {
      env: { HOME: folder },
      encoding: 'utf8',
      timeout: 60_000,
    })
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('came alone')
  })
})
