import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from '../testing/person.ts'
import { SYSTEM, startServer } from '../testing/test-server.ts'

const RACKS = [
  { name: 'acme/dev', status: 'running' },
  { name: 'acme/live', status: 'updating' },
  { name: 'other/live', status: 'running' },
]

describe('convox racks', () => {
  it('lists them and marks the one that is chosen', async () => {
    const [ann, server] = [newPerson(), await newConsole({ racks: RACKS })]
    await logIn(ann, server)
    await ann.run(['switch', 'acme/live'])
    expect((await ann.run(['racks'])).stdout).toBe(
      'NAME        STATUS    CURRENT\n' +
        'acme/dev    running\n' +
        'acme/live   updating  *\n' +
        'other/live  running\n',
    )
    const raw = JSON.parse((await ann.run(['racks', '--json'])).stdout)
    expect(raw[0]).toMatchObject({ name: 'dev', organization: { name: 'acme' }, provider: 'local' })
  })

  it('is an error, not an empty list, when the server fails or refuses', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    server.state.keys.clear()
    for (const args of [['racks'], ['racks', '--json']]) {
      const ran = await ann.run(args)
      expect(ran.status).toBe(4)
      expect(ran.stdout).toBe('')
      expect(ran.stderr).toContain(`run: convox login ${server.host}`)
    }
  })

  it('is an error of the Rack, not of the login, when the Rack refuses its Console', async () => {
    let broken = false
    const ann = newPerson()
    const server = await startServer({
      answer: ({ path }) => {
        if (path === '/auth') return { body: 'ok' }
        if (!broken) return { body: [] }
        return { status: 502, body: { error: 'the Rack refused its key', code: 'rack-refused' } }
      },
    })
    onTestFinished(() => server.close())
    await logIn(ann, server)
    broken = true
    expect(await ann.run(['racks'])).toEqual({
      status: 1,
      stdout: '',
      stderr: 'ERROR: the Rack refused its key\n',
    })
  })

  it('of a Rack logged in to directly is that Rack', async () => {
    const ann = newPerson()
    const server = await startServer({
      answer: ({ path }) =>
        path === '/auth'
          ? { body: 'ok\n' }
          : path === '/system'
            ? { body: SYSTEM }
            : { status: 404 },
    })
    onTestFinished(() => server.close())
    await logIn(ann, server)
    const { stdout } = await ann.run(['racks'])
    expect(stdout).toContain(`${server.host}  running  *\n`)
    expect((await ann.run(['switch', 'acme/dev'])).stderr).toContain('is a Rack itself')
    expect((await ann.run(['switch'])).stdout).toBe(`${server.host}\n`)
  })

  it('shows nothing of what a terminal would obey', async () => {
    const racks = [{ name: 'acme/\u001b]0;x\u0007dev\nfake/rack', status: '\u202erunning\u009b2J' }]
    const [ann, server] = [newPerson(), await newConsole({ racks })]
    await logIn(ann, server)
    const { stdout } = await ann.run(['racks'])
    expect(stdout.split('\n')).toHaveLength(3)
    expect(stdout.replaceAll('\n', '')).not.toMatch(/\p{C}/u)
    // Such a name is never chosen, let alone sent.
    expect(ann.stored('rack')).toBeUndefined()
    const json = await ann.run(['racks', '--json'])
    expect(json.stdout.replaceAll('\n', '')).not.toMatch(/\p{C}/u)
    expect(JSON.parse(json.stdout)[0].status).toBe('\u202erunning\u009b2J')
  })
})

describe('convox switch', () => {
  it.each([
    ['acme/live', 'acme/live'],
    ['dev', 'acme/dev'],
    ['other', 'other/live'],
    ['er/li', 'other/live'],
  ])('understands %s as %s', async (typed, name) => {
    const [ann, server] = [newPerson(), await newConsole({ racks: RACKS })]
    await logIn(ann, server)
    const ran = await ann.run(['switch', typed])
    expect(ran).toMatchObject({ status: 0, stdout: `Switched to ${name}\n` })
    expect(ann.stored('rack')).toBe(name)
    expect((await ann.run(['switch'])).stdout).toBe(`${name}\n`)
  })

  it.each([
    ['live', 'acme/live or other/live'],
    ['nope', 'there is no Rack "nope"'],
    ['Acme/dev', 'there is no Rack'],
  ])('refuses %s and changes nothing', async (typed, text) => {
    const [ann, server] = [newPerson(), await newConsole({ racks: RACKS })]
    await logIn(ann, server)
    await ann.run(['switch', 'acme/dev'])
    const before = [ann.stored('rack'), ann.stored('current')]
    const ran = await ann.run(['switch', typed])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain(text)
    expect([ann.stored('rack'), ann.stored('current')]).toEqual(before)
  })

  it('says when there is none, and when something overrules it', async () => {
    const [ann, server] = [newPerson(), await newConsole({ racks: RACKS })]
    await logIn(ann, server)
    const none = await ann.run(['switch'])
    expect([none.status, none.stdout]).toEqual([1, ''])
    const env = { CONVOX_RACK: 'acme/live' }
    expect((await ann.run(['switch', 'acme/dev'], { env })).stderr).toContain('CONVOX_RACK')
  })
})

describe('the Rack of a command', () => {
  it('is that of the flag, else the environment, the project, the person', async () => {
    const [ann, server] = [newPerson(), await newConsole({ racks: RACKS })]
    await logIn(ann, server)
    await ann.run(['switch', 'acme/dev'])
    const project = join(ann.home, 'project')
    mkdirSync(join(project, '.convox'), { recursive: true })
    writeFileSync(join(project, '.convox', 'rack'), 'acme/project\n')
    const sent = async (args: string[], setting = {}): Promise<unknown> => {
      expect((await ann.run(args, setting)).status).toBe(0)
      return server.asked.at(-1)?.headers.rack
    }
    const env = { CONVOX_RACK: 'acme/environment' }
    expect(await sent(['rack', '-r', 'acme/flag'], { cwd: project, env })).toBe('acme/flag')
    expect(await sent(['--rack=acme/flag', 'rack'], { cwd: project, env })).toBe('acme/flag')
    expect(await sent(['rack'], { cwd: project, env })).toBe('acme/environment')
    expect(await sent(['rack'], { cwd: project })).toBe('acme/project')
    expect(await sent(['rack'])).toBe('acme/dev')
    expect(await sent(['racks'])).toBeUndefined()
  })

  it('is never another one because the file of the project is damaged', async () => {
    const [ann, server] = [newPerson(), await newConsole({ racks: RACKS })]
    await logIn(ann, server)
    await ann.run(['switch', 'acme/dev'])
    const project = join(ann.home, 'project', '.convox')
    const file = join(project, 'rack')
    for (const damage of [
      () => mkdirSync(file, { recursive: true }),
      () => writeFileSync(file, 'x'.repeat(5000)),
      () => writeFileSync(file, '\u0000\u0001'),
    ]) {
      rmSync(project, { recursive: true, force: true })
      mkdirSync(project, { recursive: true })
      damage()
      const ran = await ann.run(['rack'], { cwd: join(ann.home, 'project') })
      expect([ran.status, ran.stdout]).toEqual([1, ''])
      expect(ran.stderr).toContain(`${file} `)
      expect(ran.stderr).toContain('write one into it')
    }
  })

  it('is not guessed when it is given and empty', async () => {
    const [ann, server] = [newPerson(), await newConsole({ racks: RACKS.slice(0, 1) })]
    await logIn(ann, server)
    const ran = await ann.run(['rack', '-r', ''])
    expect([ran.status, ran.stderr]).toEqual([
      1,
      'ERROR: the Rack name from --rack is not one; give one, as in: -r acme/dev\n',
    ])
    const switched = await ann.run(['switch', ''])
    expect([switched.status, switched.stderr]).toEqual([
      2,
      'ERROR: the name of the Rack is empty; see which there are: convox racks\n',
    ])
  })

  it('is remembered for each host', async () => {
    const ann = newPerson()
    const [first, second] = [await newConsole({ racks: RACKS }), await newConsole({ racks: RACKS })]
    await logIn(ann, first)
    await ann.run(['switch', 'acme/live'])
    await logIn(ann, second)
    await ann.run(['switch', 'other/live'])
    await ann.run(['rack', '--host', first.host])
    expect(first.asked.at(-1)?.headers.rack).toBe('acme/live')
    await ann.run(['switch', 'acme/dev', '--host', first.host])
    expect(ann.stored('rack')).toBe('other/live')
    await ann.run(['rack'], { env: { CONVOX_HOST: first.host } })
    expect(first.asked.at(-1)?.headers.rack).toBe('acme/dev')
    await ann.run(['rack'])
    expect(second.asked.at(-1)?.headers.rack).toBe('other/live')
  })

  it('is no header when it is a host name, and an error when it is no name', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    for (const host of [server.host, 'rack.example.com', 'localhost:5443']) {
      ann.store('rack', `${host}\n`)
      expect((await ann.run(['rack'])).status).toBe(0)
      expect(server.asked.at(-1)?.headers.rack).toBeUndefined()
    }
    ann.store('rack', 'acme/dev\nX-Evil: 1')
    const ran = await ann.run(['rack'])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('convox switch')
  })

  it('and the host and the key can all come from the environment, without any file', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const file = join(ann.home, 'ca.pem')
    writeFileSync(file, server.certificate.cert)
    const trust = { NODE_EXTRA_CA_CERTS: file }
    const apart = { ...trust, CONVOX_HOST: server.host, CONVOX_PASSWORD: KEY }
    expect((await ann.run(['racks'], { env: apart })).status).toBe(0)
    const together = { ...trust, RACK_URL: `https://convox:${KEY}@${server.host}` }
    expect((await ann.run(['racks'], { env: together })).status).toBe(0)
    const wrong = { ...trust, RACK_URL: `https://convox:bad%2Fkey@${server.host}` }
    const ran = await ann.run(['racks'], { env: wrong })
    expect(ran.status).toBe(4)
    expect(ran.stderr).toContain('RACK_URL')
    expect(ran.stderr).not.toContain('bad')
    expect(server.asked.at(-1)?.password).toBe('bad/key')
  })
})

describe('convox rack', () => {
  it('shows the Rack, or the answer of the server as JSON', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    expect((await ann.run(['rack'])).stdout).toBe(
      'Name      dev\nStatus    running\nProvider  local\nRegion    here\n' +
        'Version   20260101000000\nCount     3\nDomain    dev.example.com\n',
    )
    expect(JSON.parse((await ann.run(['rack', '--json'])).stdout)).toEqual(SYSTEM)
  })
})
