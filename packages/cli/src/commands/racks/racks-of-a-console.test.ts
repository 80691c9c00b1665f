import { describe, expect, it } from 'vitest'
import { KEY, logIn, newConsole, newPerson, type Person } from '../../testing/person.ts'
import {
  type Asked,
  consoleBehaviour,
  type TestServer,
  type Told,
} from '../../testing/test-server.ts'

const RACK_KEY = 'pw/1 ü%'
const FINGERPRINT = 'ab'.repeat(32)
const UNKNOWN: Told = {
  status: 409,
  body: { error: 'no authority', code: 'conflict', fingerprint: FINGERPRINT },
}

/** Somebody logged in to a Console that answers what is changed as it is told to. */
async function loggedIn(change: (asked: Asked) => Told): Promise<[Person, TestServer]> {
  const racks = [{ name: 'acme/dev', status: 'running' }]
  const usual = consoleBehaviour({ keys: new Map([[KEY, 'ann@example.com']]), racks })
  const changes = /^\/api\/racks/
  const server = await newConsole(
    {},
    { answer: (asked) => (changes.test(asked.path) ? change(asked) : usual.answer(asked)) },
  )
  const ann = newPerson()
  await logIn(ann, server)
  return [ann, server]
}

const changesOf = ({ asked }: TestServer) =>
  asked
    .filter(({ path }) => path.startsWith('/api/racks'))
    .map(({ method, path }) => `${method} ${path}`)

describe('convox racks add', () => {
  it('adds nothing when the certificate is not accepted', async () => {
    const [ann, server] = await loggedIn(() => UNKNOWN)
    for (const answer of ['n', '', 'yess', 'x\u0004']) {
      const terminal = ann.sit(['racks', 'add', 'acme/live', '--host', 'rack.example.com'])
      await terminal.shows('Password:')
      terminal.type(`${RACK_KEY}\r`)
      await terminal.shows('[y/N]')
      terminal.type(`${answer}\r`)
      const { status, shown } = await terminal.ended
      expect(status).toBe(1)
      expect(shown).toContain(FINGERPRINT)
      expect(shown).toContain('nothing was sent to it or saved')
      expect(shown).not.toContain(RACK_KEY)
    }
    expect(changesOf(server)).toEqual(Array(4).fill('POST /api/racks'))
  })

  it('sends nothing when Ctrl-C ends the question for the key', async () => {
    const [ann, server] = await loggedIn(() => UNKNOWN)
    const terminal = ann.sit(['racks', 'add', 'acme/live', '--host', 'rack.example.com'])
    await terminal.shows('Password:')
    terminal.type('half\u0003')
    expect((await terminal.ended).status).toBe(130)
    expect(changesOf(server)).toEqual([])
  })

  it('asks nothing about another certificate than the given one', async () => {
    const [ann, server] = await loggedIn(() => UNKNOWN)
    const args = ['racks', 'add', 'acme/live', '--host', 'rack.example.com']
    const terminal = ann.sit([...args, '--fingerprint', 'cd'.repeat(32)])
    await terminal.shows('Password:')
    terminal.type(`${RACK_KEY}\r`)
    const { status, shown } = await terminal.ended
    expect(status).toBe(1)
    expect(shown).toContain('no authority')
    expect(shown).not.toContain('[y/N]')
    expect(changesOf(server)).toEqual(['POST /api/racks'])
  })

  it('passes on, beside the result, what the Console warns of', async () => {
    const added = {
      name: 'live',
      organization: { name: 'acme' },
      warning: 'it shows its key\u001b[2J',
    }
    const [ann] = await loggedIn(() => ({ status: 201, body: added }))
    const args = ['racks', 'add', 'acme/live', '--host', 'h', '--password-stdin']
    const ran = await ann.run(args, { stdin: RACK_KEY })
    expect([ran.status, ran.stdout]).toEqual([0, 'Added acme/live\n'])
    expect(ran.stderr).toContain('WARNING: it shows its key')
    expect(ran.stderr).not.toContain('\u001b')
    const trust = ['racks', 'trust', 'acme/dev', '--fingerprint', FINGERPRINT, '--password-stdin']
    expect((await ann.run(trust, { stdin: 'a heron' })).stderr).toContain(
      'WARNING: it shows its key',
    )
  })

  it('shows no fingerprint of a Console that makes one up', async () => {
    const body = { error: 'x', code: 'conflict', fingerprint: '\u001b[2Jab' }
    const [ann] = await loggedIn(() => ({ status: 409, body }))
    const args = ['racks', 'add', 'acme/live', '--host', 'h', '--password-stdin']
    const ran = await ann.run(args, { stdin: RACK_KEY })
    expect([ran.status, ran.stderr]).toEqual([1, 'ERROR: x\n'])
  })

  it('says what a Console that knows no such thing says', async () => {
    const [ann] = await loggedIn(() => ({
      status: 404,
      body: { error: 'the API has no such route' },
    }))
    const args = ['racks', 'add', 'acme/live', '--host', 'h', '--password-stdin']
    const ran = await ann.run(args, { stdin: RACK_KEY })
    expect([ran.status, ran.stderr]).toEqual([1, 'ERROR: the API has no such route\n'])
  })

  it.each([
    [['racks', 'add']],
    [['racks', 'add', 'acme/live']],
    [['racks', 'add', 'live', '--host', 'h']],
    [['racks', 'add', 'acme/live/x', '--host', 'h']],
    [['racks', 'add', '', '--host', 'h']],
    [['racks', 'add', 'acme/li ve', '--host', 'h']],
    [['racks', 'add', 'acme/live', '--host', 'h', '--fingerprint', 'abc']],
    [['racks', 'add', 'acme/live', '--host', 'h', '--host', 'other']],
    [['--host', 'console', 'racks', 'add', 'acme/live', '--host', 'h']],
    [['racks', 'add', 'acme/live', 'extra', '--host', 'h']],
    [['racks', 'add', 'acme/live', '--host', 'h', '--password', 'visible']],
    [['racks', 'remove']],
    [['racks', 'rename', 'acme/dev']],
    [['racks', 'rename', 'acme/dev', 'other/live']],
    [['racks', 'trust', 'acme/dev']],
    [['racks', 'trust', 'acme/dev', '--fingerprint', 'xyz']],
    [['racks', 'ad']],
  ])('%j makes no sense, and no server hears of it', async (args) => {
    const ann = newPerson()
    const ran = await ann.run(args, { stdin: RACK_KEY })
    expect([ran.status, ran.stdout]).toEqual([2, ''])
    expect(ran.stderr).toMatch(/^ERROR: .+; .+\n$/)
  })
})

describe('what changes a Rack', () => {
  it.each([
    ['remove', 'dev', '--force'],
    ['remove', 'acme/de', '--force'],
    ['remove', 'acme/../x', '--force'],
    ['rename', 'acme/Dev', 'live'],
    ['trust', 'acme/nope', '--password-stdin', '--fingerprint', FINGERPRINT],
  ])('%s never guesses that %s is acme/dev', async (...args) => {
    const [ann, server] = await loggedIn(() => ({ status: 204 }))
    const ran = await ann.run(['racks', ...args], { stdin: 'password' })
    expect(ran.status).not.toBe(0)
    expect(changesOf(server)).toEqual([])
  })

  it('sends the password as it was typed, and no other line of it anywhere', async () => {
    const [ann, server] = await loggedIn(() => ({ body: {} }))
    const terminal = ann.sit(['racks', 'trust', 'acme/dev', '--fingerprint', FINGERPRINT])
    await terminal.shows('Password:')
    terminal.type(' a heron waits \r')
    const { status, shown } = await terminal.ended
    expect(status).toBe(0)
    expect(shown).not.toContain('heron')
    expect(server.asked.at(-1)?.body).toBe(
      JSON.stringify({ fingerprint: FINGERPRINT, password: ' a heron waits ' }),
    )
  })

  it('leaves the Rack that others had chosen alone when one is renamed', async () => {
    const [ann] = await loggedIn(() => ({ body: { name: 'live', organization: { name: 'acme' } } }))
    await ann.run(['switch', 'acme/dev'])
    const ran = await ann.run(['racks', 'rename', 'acme/dev', 'acme/live'])
    expect(ran.stdout).toBe('acme/dev is now acme/live\n')
    expect(ann.stored('rack')).toBe('acme/live')
    ann.store('current', '{}')
    ann.store('rack', 'acme/other')
    await ann.run(['racks', 'rename', 'acme/dev', 'live'])
    expect(ann.stored('rack')).toBe('acme/other')
  })
})
