import { mintApiKey } from '@keyrack/secrets/api-key'
import { describe, expect, it } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from '../testing/person.ts'

describe('convox auth', () => {
  it('lists every host with source, masked key and the answer of its server', async () => {
    const key = mintApiKey('user').reveal()
    const ann = newPerson()
    const [first, second] = [
      await newConsole(),
      await newConsole({ keys: new Map([[key, 'a@b.c']]) }),
    ]
    await logIn(ann, first)
    await logIn(ann, second, key)
    const ran = await ann.run(['auth'])
    expect(ran.status, ran.stderr).toBe(0)
    const lines = ran.stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.split(/ {2,}/))
    expect(lines[0]).toEqual(['HOST', 'SOURCE', 'KEY', 'STATUS', 'ACTIVE'])
    expect(lines[1]?.slice(0, 2)).toEqual([first.host, `${ann.home}/.convox/auth`])
    expect(lines[1]?.slice(3)).toEqual(['ok'])
    expect(lines[2]?.slice(2)).toEqual([`cvxu_…${key.slice(-4)}`, 'ok', '*'])
    expect(ran.stdout).not.toContain(KEY)
    expect(ran.stdout).not.toContain(key)
  })

  it('ends with 1 when a server refuses its key, and says how to log in there', async () => {
    const ann = newPerson()
    const [first, second] = [await newConsole(), await newConsole()]
    await logIn(ann, first)
    await logIn(ann, second)
    first.state.keys.clear()
    const ran = await ann.run(['auth'])
    expect(ran.status).toBe(1)
    expect(ran.stdout).toMatch(/refused\n/)
    expect(ran.stderr).toContain(`convox login ${first.host}`)
    const json = await ann.run(['auth', '--json'])
    expect(json.status).toBe(1)
    expect(JSON.parse(json.stdout)).toMatchObject([
      { host: first.host, active: false, status: 'refused' },
      { host: second.host, active: true, status: 'ok' },
    ])
  })

  it('tells a server that is away from one that refuses', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    await server.close()
    const ran = await ann.run(['auth'])
    expect(ran.status).toBe(0)
    expect(ran.stdout).toContain('unreachable')
  })

  it('lists a host of another CLI that it cannot use itself', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    ann.store('auth', '{"example.com/some/prefix": "x"}')
    await logIn(ann, server)
    const ran = await ann.run(['auth', '--json'])
    expect(ran.status).toBe(0)
    expect(JSON.parse(ran.stdout)).toMatchObject([
      { host: 'example.com/some/prefix', status: 'unreachable' },
      { host: server.host, status: 'ok' },
    ])
  })

  it('shows that the environment overrules a stored key', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const ran = await ann.run(['auth', '--json'], { env: { CONVOX_PASSWORD: 'wrong' } })
    expect(ran.status).toBe(1)
    expect(JSON.parse(ran.stdout)).toMatchObject([
      { host: server.host, active: true, source: 'CONVOX_PASSWORD', status: 'refused' },
      { host: server.host, active: false, status: 'ok' },
    ])
    expect(ran.stdout + ran.stderr).not.toContain('wrong')
  })

  it('ends with 4 when there is none', async () => {
    expect(await newPerson().run(['auth'])).toEqual({
      status: 4,
      stdout: '',
      stderr: 'ERROR: not logged in anywhere; run: convox login HOST\n',
    })
  })
})

describe('convox logout', () => {
  it('removes the key and the active host, but not the accepted certificate', async () => {
    const ann = newPerson()
    const [first, second] = [await newConsole(), await newConsole()]
    await logIn(ann, first)
    await logIn(ann, second)
    expect((await ann.run(['logout'])).stdout).toBe(`Logged out of ${second.host}\n`)
    expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({ [first.host]: KEY })
    expect([ann.stored('host'), ann.stored('rack')]).toEqual([undefined, undefined])
    expect(JSON.parse(ann.stored('fingerprints') ?? '')).toHaveProperty([second.host])
    const after = await ann.run(['rack'])
    expect([after.status, after.stderr]).toEqual([
      4,
      'ERROR: no host is chosen; see your Racks: convox racks, and choose one: convox switch ORG/RACK\n',
    ])
    // Those of the other Console, none of them chosen.
    const left = await ann.run(['racks'])
    expect([left.status, left.stdout]).toEqual([
      0,
      'NAME      STATUS   CURRENT\nacme/dev  running\n',
    ])
    await ann.run(['logout', first.host])
    const nowhere = await ann.run(['racks'])
    expect([nowhere.status, nowhere.stderr]).toEqual([
      4,
      'ERROR: not logged in; run: convox login HOST\n',
    ])
  })

  it('of another host leaves the active one', async () => {
    const ann = newPerson()
    const [first, second] = [await newConsole(), await newConsole()]
    await logIn(ann, first)
    await logIn(ann, second)
    expect((await ann.run(['logout', first.host.toUpperCase()])).status).toBe(0)
    expect(ann.stored('host')).toBe(second.host)
    expect((await ann.run(['racks'])).status).toBe(0)
    expect((await ann.run(['logout', first.host])).status).toBe(4)
  })

  it('says so when a key is left in the environment', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const ran = await ann.run(['logout'], { env: { CONVOX_PASSWORD: 'x' } })
    expect(ran.stderr).toContain('unset CONVOX_PASSWORD')
  })
})
