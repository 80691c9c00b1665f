import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { mintApiKey } from '@keyrack/secrets/api-key'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from '../testing/person.ts'
import { startServer } from '../testing/test-server.ts'

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
    const command = `"$0" "$1" login ${server.host} --fingerprint ${server.fingerprint} < /dev/null > out`
    const { spawn } = await import('@lydell/node-pty')
    const launcher = new URL('../../bin/convox.js', import.meta.url).pathname
    const shell = spawn('/bin/sh', ['-c', command, process.execPath, launcher], {
      cwd: ann.home,
      env: { HOME: ann.home, PATH: process.env.PATH },
    })
    let shown = ''
    shell.onData((data) => {
      if (!shown.includes('Password: ') && `${shown}${data}`.includes('Password: ')) {
        shell.write(`${KEY}\r`)
      }
      shown += data
    })
    const status = await new Promise((resolve) => shell.onExit(({ exitCode }) => resolve(exitCode)))
    expect(status, shown).toBe(0)
    expect(ann.stored('host')).toBe(server.host)
  })
})

describe('the key of a login', () => {
  it.each([
    ['--password-stdin', (key: string) => ({ args: ['--password-stdin'], stdin: ` ${key}\r\n` })],
    ['--password -', (key: string) => ({ args: ['--password', '-'], stdin: key })],
    ['-p KEY', (key: string) => ({ args: ['-p', key] })],
    ['CONVOX_PASSWORD', (key: string) => ({ args: [], env: { CONVOX_PASSWORD: key } })],
  ])('can come from %s', async (name, given) => {
    const [ann, server] = [newPerson(), await newConsole()]
    const { args, ...setting } = given(KEY)
    const pinned = ['login', server.host, '--fingerprint', server.fingerprint, ...args]
    const ran = await ann.run(pinned, setting)
    expect(ran.status, ran.stderr).toBe(0)
    expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({ [server.host]: KEY })
    expect(ran.stderr.includes('on the command line'), ran.stderr).toBe(name === '-p KEY')
    expect(ran.stderr.includes('WARNING'), ran.stderr).toBe(name === '-p KEY')
    expect(ran.stdout + ran.stderr).not.toContain(KEY)
  })

  it('is asked for at a terminal or named as a flag, at once and before any connection', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const ran = await ann.run(['login', server.host, '--fingerprint', server.fingerprint])
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('--password-stdin')
    expect(server.asked).toEqual([])
  })

  it('of ours with a wrong checksum is refused before it is sent', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const key = mintApiKey('user').reveal()
    for (const wrong of [
      key.slice(0, -1),
      `${key}x`,
      key.replace(/.$/, (c) => (c === 'a' ? 'b' : 'a')),
    ]) {
      const ran = await ann.run(
        ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint],
        { stdin: wrong },
      )
      expect(ran.status).toBe(1)
      expect(ran.stderr).toContain('checksum')
      expect(ran.stderr).not.toContain(wrong)
    }
    expect(server.asked).toEqual([])
  })

  it('that is empty, far too long or several lines is refused before it is sent', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    for (const wrong of ['', ' \n', 'x'.repeat(1024 * 1024), 'x'.repeat(3_000_000), 'a\nb']) {
      const ran = await ann.run(
        ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint],
        { stdin: wrong },
      )
      expect(ran.status).toBe(1)
      expect(ran.stderr).toMatch(/^ERROR: /)
    }
    expect(server.asked).toEqual([])
  })

  it('that is refused changes nothing, and the stored one is never used instead', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const before = ann.stored('auth')
    const ran = await ann.run(['login', server.host, '--password-stdin'], { stdin: 'stale' })
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain('this key is not valid')
    expect(ran.stderr).toContain(`convox login ${server.host}`)
    expect(ran.stdout).toBe('')
    expect(ann.stored('auth')).toBe(before)
    expect(server.asked.at(-1)?.password).toBe('stale')
  })

  it('replaces the old one and leaves other hosts alone', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    ann.store('auth', '{"Other.example.com": "other"}')
    await logIn(ann, server)
    server.state.keys.set('new', 'ann@example.com')
    await logIn(ann, server, 'new')
    expect(JSON.parse(ann.stored('auth') ?? '')).toEqual({
      'Other.example.com': 'other',
      [server.host]: 'new',
    })
  })

  it('is not saved while the environment would overrule it', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const args = ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint]
    for (const env of [
      { CONVOX_PASSWORD: 'another' },
      { CONVOX_HOST: 'other.example.com' },
      { RACK_URL: 'https://convox:x@rack.example.com' },
    ]) {
      const ran = await ann.run(args, { stdin: KEY, env })
      expect(ran.status).toBe(1)
      expect(ran.stderr).toContain(`unset ${Object.keys(env)[0]}`)
    }
    expect(ann.stored('auth')).toBeUndefined()
    expect((await ann.run(args, { stdin: KEY, env: { CONVOX_HOST: server.host } })).status).toBe(0)
  })
})

describe('what answers', () => {
  it.each([
    ['JSON with an id', { id: 'u' }],
    ['JSON of the 2017 Rack', { success: true }],
    ['the text ok', 'ok\n'],
    ['the text OK', 'OK\n'],
    ['nothing', ''],
  ])('may say %s to GET /auth', async (_name, body) => {
    const ann = newPerson()
    const server = await startServer({
      answer: ({ path }) => (path === '/auth' ? { body } : { status: 404 }),
    })
    onTestFinished(() => server.close())
    await logIn(ann, server)
    expect(ann.stored('rack')).toBe(server.host)
    expect(server.asked.every(({ headers }) => headers.rack === undefined)).toBe(true)
  })

  it.each([
    ['a page', { body: '<!doctype html><p>Welcome to the airport' }, 'neither like a Console'],
    ['a redirect', { status: 302, headers: { Location: 'https://localhost/x' } }, 'redirects'],
    ['an error', { status: 500, body: 'disk on fire \u001b[2J' }, 'disk on fire'],
  ])('is no login when it is %s', async (_name, told, text) => {
    const ann = newPerson()
    const server = await startServer({ answer: () => told })
    onTestFinished(() => server.close())
    const ran = await ann.run(
      ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint],
      { stdin: KEY },
    )
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain(text)
    expect(ran.stderr).not.toContain('\u001b')
    expect(ann.stored('auth')).toBeUndefined()
  })

  it('has a sentence of its own for a name, a port and a protocol that are wrong', async () => {
    const ann = newPerson()
    const plain = await startServer({ answer: () => ({}) }, { plain: true })
    onTestFinished(() => plain.close())
    const closed = await startServer({ answer: () => ({}) })
    await closed.close()
    const seen = new Set<string>()
    for (const host of ['no-such-host.invalid', closed.host, plain.host]) {
      const ran = await ann.run(['login', host, '--password-stdin'], { stdin: KEY })
      expect(ran.status).toBe(1)
      expect(ran.stderr).toMatch(/^ERROR: .+; .+\n$/)
      seen.add(ran.stderr.replace(host, ''))
    }
    expect(seen.size).toBe(3)
    expect(plain.asked).toEqual([])
  })

  it('may be a Console whose page was copied from the browser, in capitals', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const port = server.host.split(':')[1]
    const ran = await ann.run(
      [
        'login',
        `HTTPS://LocalHost:${port}/`,
        '--password-stdin',
        '--fingerprint',
        server.fingerprint,
      ],
      { stdin: KEY },
    )
    expect(ran.status, ran.stderr).toBe(0)
    expect(ann.stored('host')).toBe(`localhost:${port}`)
  })

  it('may be plain http on this machine only', async () => {
    const ann = newPerson()
    const server = await startServer({ answer: () => ({ body: { id: 'u' } }) }, { plain: true })
    onTestFinished(() => server.close())
    const ran = await ann.run(['login', `http://${server.host}`, '--password-stdin'], {
      stdin: KEY,
    })
    expect(ran.status, ran.stderr).toBe(0)
    const far = await ann.run(['login', 'http://example.com', '--password-stdin'], { stdin: KEY })
    expect(far.status).toBe(2)
    expect(far.stderr).toContain('without encryption')
  })
})

describe('the certificate of a login', () => {
  it('needs a fingerprint where there is no terminal, and the error names it', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const ran = await ann.run(['login', server.host, '--password-stdin'], { stdin: KEY })
    expect(ran.status).toBe(1)
    expect(ran.stderr).toContain(`convox login ${server.host} --fingerprint ${server.fingerprint}`)
    expect(server.asked).toEqual([])
  })

  it('that a CA vouches for needs neither question nor pin', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const file = join(ann.home, 'ca.pem')
    writeFileSync(file, server.certificate.cert)
    const env = { NODE_EXTRA_CA_CERTS: file }
    const ran = await ann.run(['login', server.host, '--password-stdin'], { stdin: KEY, env })
    expect(ran.status, ran.stderr).toBe(0)
    expect(ann.stored('fingerprints')).toBeUndefined()
    expect((await ann.run(['racks'], { env })).status).toBe(0)
    // Without that CA, the same server is not trusted any more.
    const later = await ann.run(['racks'])
    expect(later.status).toBe(1)
    expect(later.stderr).toContain(`convox login ${server.host}`)
  })

  it('that changed is refused with both fingerprints, without a question, even with a CA', async () => {
    const [ann, first] = [newPerson(), await newConsole()]
    await logIn(ann, first)
    await first.close()
    const port = Number(first.host.split(':')[1])
    const second = await startServer({ answer: () => ({ body: { id: 'u' } }) }, { port })
    onTestFinished(() => second.close())
    const file = join(ann.home, 'ca.pem')
    writeFileSync(file, second.certificate.cert)
    const env = { NODE_EXTRA_CA_CERTS: file }

    const terminal = ann.sit(['login', first.host], { env })
    const { status, shown } = await terminal.ended
    expect(status).toBe(1)
    expect(shown).toContain(first.fingerprint)
    expect(shown).toContain(second.fingerprint)
    expect(shown).not.toContain('[y/N]')
    const other = await ann.run(['racks'], { env })
    expect(other.status).toBe(1)
    expect(other.stderr).toContain(first.fingerprint)
    expect(other.stderr).toContain(second.fingerprint)
    expect(second.asked).toEqual([])

    await logIn(ann, second)
    expect(JSON.parse(ann.stored('fingerprints') ?? '')).toEqual({
      [second.host]: second.fingerprint,
    })
  })

  it('must be the one given, which may be written with colons or in base64', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    const args = ['login', server.host, '--password-stdin', '--fingerprint']
    const wrong = await ann.run([...args, 'ab'.repeat(32)], { stdin: KEY })
    expect(wrong.status).toBe(1)
    expect(wrong.stderr).toContain(server.fingerprint)
    expect((await ann.run([...args, 'nonsense'], { stdin: KEY })).status).toBe(2)
    const colons = server.fingerprint.toUpperCase().match(/../g)?.join(':') ?? ''
    const base64 = Buffer.from(server.fingerprint, 'hex').toString('base64')
    for (const right of [colons, `SHA256:${base64}`]) {
      expect((await ann.run([...args, right], { stdin: KEY })).status).toBe(0)
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
})
