import { describe, expect, it } from 'vitest'
import { atRack } from '../../testing/person.ts'
import { type Asked, SYSTEM, type Told } from '../../testing/test-server.ts'

const PARAMETERS = { InstanceType: 't3.small', InstanceCount: '3', Password: '****' }

/** A Rack with parameters and of a version; a PUT or POST is answered as official ones do. */
function rackOf(system: object) {
  return ({ method, path }: Asked): Told | undefined => {
    if (method !== 'GET') return { body: 'ok\n' }
    return path === '/system' ? { body: { ...SYSTEM, ...system } } : undefined
  }
}

function sent(asked: readonly Asked[]) {
  return asked.filter(({ method }) => method !== 'GET').map(({ path, body }) => [path, body])
}

describe('convox rack params', () => {
  it('lists them by name, for people and for programs', async () => {
    const { ann } = await atRack({ answer: rackOf({ parameters: PARAMETERS }) })
    expect(await ann.run(['rack', 'params'])).toEqual({
      status: 0,
      stdout:
        'NAME           VALUE\nInstanceCount  3\nInstanceType   t3.small\nPassword       ****\n',
      stderr: '',
    })
    const { stdout } = await ann.run(['rack', 'params', '--json'])
    expect(JSON.parse(stdout)).toEqual(PARAMETERS)
  })

  it('says that there are none where the Rack tells none', async () => {
    const { ann } = await atRack({ answer: rackOf({ parameters: null }) })
    const ran = await ann.run(['rack', 'params'])
    expect(ran).toMatchObject({ status: 0, stdout: 'NAME  VALUE\n' })
    expect(ran.stderr).toContain('no parameters')
    expect((await ann.run(['rack', 'params', '--json'])).stdout).toBe('{}\n')
  })

  it('of a Rack of 2018 and before are those of an app with its name', async () => {
    const { ann } = await atRack({
      answer: ({ path }) => {
        if (path === '/system') return { body: { ...SYSTEM, version: '20160630175516' } }
        return path === '/apps/dev/parameters' ? { body: PARAMETERS } : undefined
      },
    })
    const { stdout } = await ann.run(['rack', 'params', '--json'])
    expect(JSON.parse(stdout)).toEqual(PARAMETERS)
  })

  it('shows nothing that a terminal would obey', async () => {
    const parameters = { Name: 'a\u001b[2J\nb' }
    const { ann } = await atRack({ answer: rackOf({ parameters }) })
    expect((await ann.run(['rack', 'params'])).stdout).toBe('NAME  VALUE\nName  a\uFFFD[2J b\n')
  })
})

describe('convox rack params set', () => {
  it('sends them as one form within a form', async () => {
    const { ann, server } = await atRack({ answer: rackOf({ parameters: PARAMETERS }) })
    const args = ['rack', 'params', 'set', 'InstanceType=a b=c&d', 'InstanceCount=']
    expect(await ann.run(args)).toEqual({
      status: 0,
      stdout: '',
      stderr: 'Updating parameters... OK\n',
    })
    const inner = encodeURIComponent('InstanceType=a+b%3Dc%26d&InstanceCount=')
    expect(sent(server.asked)).toEqual([['/system', `parameters=${inner}`]])
    expect(server.asked.at(-1)?.headers['content-type']).toMatch(/^application\/x-www-form/)
  })

  it('asks a Rack of 2018 and before as its clients did', async () => {
    for (const [version, path] of [
      ['20160928105531', '/apps/dev/parameters'],
      ['20180708231844', '/apps/dev/parameters'],
      ['20180708231845', '/system'],
      ['3.18.1', '/system'],
      ['', '/system'],
    ]) {
      const { ann, server } = await atRack({ answer: rackOf({ version }) })
      expect((await ann.run(['rack', 'params', 'set', 'A=1', 'B=2'])).status).toBe(0)
      const body = path === '/system' ? 'parameters=A%3D1%26B%3D2' : 'A=1&B=2'
      expect(sent(server.asked)).toEqual([[path, body]])
    }
  })

  it.each([
    [['Password=x'], 'API key'],
    [['PASSWORD='], 'API key'],
    [['InstanceCount=4', 'password=x'], 'API key'],
    [['InstanceCount=****'], 'hidden value'],
    [['InstanceCount=*'], 'hidden value'],
    [['InstanceCuont=4'], 'did you mean InstanceCount?'],
    [['Something=4'], 'convox rack params'],
    [['instancecount=4'], 'InstanceCount'],
    [['InstanceCount=4', 'InstanceCount=5'], 'twice'],
    [['InstanceCount'], 'NAME=VALUE'],
    [['=4'], 'NAME=VALUE'],
    [['a\nb=4'], 'one plain word'],
    [[''], 'NAME=VALUE'],
    [[], 'missing required argument'],
  ])('refuses %j and changes nothing', async (pairs, why) => {
    const { ann, server } = await atRack({ answer: rackOf({ parameters: PARAMETERS }) })
    const ran = await ann.run(['rack', 'params', 'set', ...pairs])
    expect([ran.status, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toContain(why)
    expect(ran.stderr).not.toContain('=x')
    expect(sent(server.asked)).toEqual([])
  })

  it('passes on why the Rack refused', async () => {
    const error = 'ValidationError: No updates are to be performed.'
    const { ann } = await atRack({
      answer: ({ method }) => (method === 'PUT' ? { status: 500, body: error } : undefined),
    })
    const ran = await ann.run(['rack', 'params', 'set', 'A=1'])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toMatch(/^Updating parameters\.\.\. failed\nERROR: ValidationError: /)
  })
})
