import { describe, expect, it, onTestFinished } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from './testing/person.ts'
import { startServer } from './testing/test-server.ts'

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
