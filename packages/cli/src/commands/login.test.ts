import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from '../testing/person.ts'
import type { Asked, Told } from '../testing/test-server.ts'

describe('convox login at a terminal', () => {
  it('shows the fingerprint, asks once, prompts without echo, and says who you are', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const terminal = ann.sit(['login', server.host])
    await terminal.shows('[y/N] ')
    terminal.type('y\r')
    await terminal.shows('Password: ')
    terminal.type(`${KEY}\r`)
    const { status, shown } = await terminal.ended
    expect(status, shown).toBe(0)
    expect(shown).toContain(`SHA-256 ${server.fingerprint}`)
    expect(shown).toContain('Account > API key')
    expect(shown).toContain(`Authenticating with ${server.host}... OK`)
    expect(shown).toContain(`Logged in to ${server.host} as ann@example.com (acme)`)
    expect(shown).not.toContain(KEY)
    expect(ann.stored('auth')).toBe(JSON.stringify({ [server.host]: KEY }, null, 2))
    expect(ann.stored('host')).toBe(server.host)
    expect(ann.stored('rack')).toBe('acme/dev')
    expect(JSON.parse(ann.stored('current') ?? '')).toEqual({ [server.host]: 'acme/dev' })
    expect(JSON.parse(ann.stored('fingerprints') ?? '')).toEqual({
      [server.host]: server.fingerprint,
    })

    // Accepted once, not asked again.
    const again = ann.sit(['login', server.host])
    await again.shows('Password: ')
    again.type(`${KEY}\r`)
    expect((await again.ended).shown).not.toContain('[y/N]')
  })

  it('trims what is pasted around the key, markers of the terminal included', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const terminal = ann.sit(['login', server.host, '--fingerprint', server.fingerprint])
    await terminal.shows('Password: ')
    terminal.type(`\u001b[200~\n  ${KEY}x \n\u001b[201~\u007f\u007f\u007f\r`)
    expect((await terminal.ended).status).toBe(0)
    expect(server.asked[0]?.password).toBe(KEY)
  })

  it('takes anything but yes as no, and sends nothing', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const terminal = ann.sit(['login', server.host])
    await terminal.shows('[y/N] ')
    terminal.type('\r')
    const { status, shown } = await terminal.ended
    expect(status).toBe(1)
    expect(shown).toContain('was not accepted')
    expect(server.asked).toEqual([])
    expect(ann.stored('auth')).toBeUndefined()
  })

  it('ends with 130 at Ctrl-C, at either question, and stores nothing', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const first = ann.sit(['login', server.host])
    await first.shows('[y/N] ')
    first.type('\u0003')
    expect((await first.ended).status).toBe(130)
    const second = ann.sit(['login', server.host, '--fingerprint', server.fingerprint])
    await second.shows('Password: ')
    second.type('half a key\u0003')
    expect((await second.ended).status).toBe(130)
    expect(server.asked).toEqual([])
    expect(ann.stored('auth')).toBeUndefined()
  })

  it('asks at the terminal even when stdin and stdout are elsewhere', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const args = ['login', server.host, '--fingerprint', server.fingerprint]
    const terminal = ann.sit(args, { shell: '< /dev/null > out' })
    await terminal.shows('Password: ')
    terminal.type(`${KEY}\r`)
    expect((await terminal.ended).status).toBe(0)
    expect(readFileSync(join(ann.home, 'out'), 'utf8')).toContain('ann@example.com')
  })

  it('gives the terminal back as it was, however it ends', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const args = ['login', server.host, '--fingerprint', server.fingerprint]
    for (const [keys, shell] of [
      [`${KEY}\r`, '; stty -a'],
      ['wrong\r', '; stty -a'],
      ['half\u0003', '; stty -a'],
    ] as const) {
      const terminal = ann.sit(args, { shell })
      await terminal.shows('Password: ')
      terminal.type(keys)
      expect((await terminal.ended).shown).toMatch(/ icanon .* echo /s)
    }
  })
})

describe('the Rack after a login', () => {
  const two = [
    { name: 'acme/dev', status: 'running' },
    { name: 'acme/live', status: 'running' },
  ]

  it('is not guessed when there are several', async () => {
    const [ann, server] = [newPerson(), await newConsole({ racks: two })]
    await logIn(ann, server)
    expect(ann.stored('rack')).toBeUndefined()
    await ann.run(['switch', 'acme/live'])
    // A new login keeps what was chosen.
    await logIn(ann, server)
    expect(ann.stored('rack')).toBe('acme/live')
  })

  it('can be chosen with it', async () => {
    const [ann, server] = [newPerson(), await newConsole({ racks: two })]
    const args = ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint]
    expect((await ann.run([...args, '-r', 'nope'], { stdin: KEY })).status).toBe(1)
    expect(ann.stored('auth')).toBeUndefined()
    expect((await ann.run([...args, '-r', 'live'], { stdin: KEY })).status).toBe(0)
    expect(ann.stored('rack')).toBe('acme/live')
  })

  it('is the host itself when it has no list of Racks', async () => {
    const [ann, server] = [newPerson(), await newConsole({ racks: [] })]
    await logIn(ann, server)
    expect(ann.stored('rack')).toBe(server.host)
  })

  it('is a Rack of 2016, which refuses clients whose version sorts before that of its first', async () => {
    const answer = ({ path, headers }: Asked): Told => {
      const version = String(headers.version)
      if (version !== 'dev' && version < '20150911185301') {
        return { status: 403, body: 'client outdated, please update with `convox update`' }
      }
      return path === '/racks'
        ? { status: 403, body: { error: 'only available on console' } }
        : { body: 'OK\n' }
    }
    const [ann, server] = [newPerson(), await newConsole({}, { answer })]
    await logIn(ann, server)
    expect(ann.stored('rack')).toBe(server.host)
  })
})
