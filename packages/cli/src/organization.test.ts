import { describe, expect, it, onTestFinished } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from './testing/person.ts'
import { startServer, type Told } from './testing/test-server.ts'

const MEMBER = { id: 'u-1', email: 'ann@example.com', role: 'administrator', since: '' }

/** A Console whose account is in these organizations. */
async function consoleWith(organizations: unknown, members: Told = { body: [MEMBER] }) {
  const console = await newConsole(
    {},
    {
      answer({ path }) {
        if (path === '/api/account') return { body: { email: 'ann@example.com', organizations } }
        if (path === '/racks') return { body: [] }
        return path.startsWith('/api/') ? members : { body: {} }
      },
    },
  )
  const ann = newPerson()
  await logIn(ann, console)
  const asked = () => console.asked.map(({ path }) => path).filter((path) => /members/.test(path))
  return { ann, console, asked }
}

describe('the organization of a command', () => {
  it('is the one that is named, in any capitals, before that of the Rack', async () => {
    const { ann, asked } = await consoleWith([{ name: 'acme' }, { name: 'beta' }])
    expect((await ann.run(['members', '--organization', 'BETA', '-r', 'acme/x'])).status).toBe(0)
    expect((await ann.run(['members', '-r', 'acme/x'])).status).toBe(0)
    expect(asked()).toEqual(['/api/organizations/beta/members', '/api/organizations/acme/members'])
  })

  it('is the only one there is, whatever Rack is chosen', async () => {
    const { ann, asked } = await consoleWith([{ name: 'acme' }])
    expect((await ann.run(['members', '-r', 'gone/x'])).status).toBe(0)
    expect(asked()).toEqual(['/api/organizations/acme/members'])
  })

  it.each(['', ' ', '../x', 'a/b', 'a b', 'x'.repeat(64), '\u001b[2J', '..', '%2e'])(
    'is nothing that could be another path: %j',
    async (name) => {
      const { ann, console } = await consoleWith([{ name: 'acme' }])
      const before = console.asked.length
      const ran = await ann.run(['members', '--organization', name])
      expect([ran.status, console.asked.length]).toEqual([2, before])
      expect(ran.stderr).not.toContain('\u001b')
    },
  )

  it.each([
    ['nothing', undefined],
    ['a text', 'acme'],
    ['names that are none', [{ name: '../x' }, { name: 7 }, null, 'acme']],
  ])('is not made up where the server says %s', async (_, organizations) => {
    const { ann, asked } = await consoleWith(organizations)
    const ran = await ann.run(['members'])
    expect([ran.status, asked()]).toEqual([1, []])
    expect(ran.stderr).toContain('you are in no organization')
  })

  it('is asked of Consoles like ours only: a Rack or an official Console has no members to show', async () => {
    const server = await startServer({
      answer: ({ path }) => (path === '/auth' ? { body: { id: 'u' } } : { status: 404 }),
    })
    onTestFinished(() => server.close())
    const ann = newPerson()
    await logIn(ann, server, KEY)
    const ran = await ann.run(['deploy-keys'])
    expect([ran.status, ran.stderr]).toEqual([
      1,
      `ERROR: ${server.host} keeps no members of organizations; log in to a Keyrack Console\n`,
    ])
  })
})

describe('a list of members', () => {
  it('cannot act on the terminal', async () => {
    const evil = { ...MEMBER, email: 'x\u001b[2J\u202e@example.com' }
    const { ann } = await consoleWith([{ name: 'acme' }], { body: [evil] })
    for (const args of [['members'], ['members', '--json']]) {
      const ran = await ann.run(args)
      expect(ran.status).toBe(0)
      for (const unsafe of ['\u001b', '\u202e']) expect(ran.stdout).not.toContain(unsafe)
    }
  })

  it('that is none is an error, not an empty list', async () => {
    const { ann } = await consoleWith([{ name: 'acme' }], { body: { members: [] } })
    const ran = await ann.run(['members'])
    expect([ran.status, ran.stdout]).toEqual([1, ''])
    expect(ran.stderr).toMatch(/^ERROR: /)
  })
})
