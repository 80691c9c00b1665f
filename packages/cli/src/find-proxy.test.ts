import { openConnectProxy } from '@keyrack/protocol/connect-proxy.fixture'
import { describe, expect, it } from 'vitest'
import { readEnvironment } from './config.ts'
import { findProxy } from './find-proxy.ts'
import { KEY, newConsole, newPerson } from './testing/person.ts'

/** What decides for this host, with these variables. */
function decide(url: string, env: Record<string, string>): string | undefined {
  const found = findProxy(readEnvironment(env, '/'), url)
  const login = found?.login && `${found.login.user}:${found.login.password.reveal()}@`
  return found && `${found.tls ? 'https' : 'http'}://${login ?? ''}${found.host}:${found.port}`
}

describe('the proxy for a host', () => {
  it.each([
    ['http://proxy.example:3128', 'http://proxy.example:3128'],
    ['proxy.example:3128', 'http://proxy.example:3128'],
    ['proxy.example', 'http://proxy.example:80'],
    ['https://proxy.example', 'https://proxy.example:443'],
    ['http://ann:p%40ss@[::1]:1/', 'http://ann:p@ss@::1:1'],
    ['http://ann:50%@proxy.example', 'http://ann:50%@proxy.example:80'],
    ['', undefined],
  ])('is that of HTTPS_PROXY=%s: %s', (value, expected) => {
    expect(decide('https://rack.example', { HTTPS_PROXY: value })).toBe(expected)
    expect(decide('https://rack.example', { https_proxy: value })).toBe(expected)
  })

  it('is that of HTTPS_PROXY before https_proxy, as in official clients', () => {
    const env = { HTTPS_PROXY: 'upper', https_proxy: 'lower' }
    expect(decide('https://rack.example', env)).toBe('http://upper:80')
  })

  it.each([
    'https://localhost:3443',
    'https://a.localhost',
    'https://127.0.0.1:1',
    'https://127.9.9.9',
    'https://[::1]:3443',
    'http://localhost:3000',
  ])('is none for this machine itself: %s', (url) => {
    expect(decide(url, { HTTPS_PROXY: 'proxy.example' })).toBeUndefined()
  })

  it.each([
    ['rack.example', true],
    ['RACK.example', true],
    ['example', true],
    ['.example', true],
    ['*.example', true],
    [' other , rack.example ', true],
    ['rack.example:443', true],
    ['rack.example:8443', false],
    ['*', true],
    ['ack.example', false],
    ['.rack.example', false],
    ['rack.example.com', false],
    ['rack', false],
    ['', false],
    [',', false],
    ['10.0.0.0/8', false],
  ])('with NO_PROXY=%j for rack.example is left out: %s', (list, without) => {
    const env = { HTTPS_PROXY: 'proxy.example', NO_PROXY: list }
    expect(decide('https://rack.example', env) === undefined).toBe(without)
  })

  it.each([
    ['https://10.1.2.3', '10.0.0.0/8', true],
    ['https://10.1.2.3', '10.1.2.3', true],
    ['https://10.1.2.3:8443', '10.1.2.3:8443', true],
    ['https://10.1.2.3:8443', '10.1.2.3:443', false],
    ['https://11.1.2.3', '10.0.0.0/8', false],
    ['https://10.1.2.3', '10.0.0.0/99', false],
    ['https://[fd00::1]', 'fd00::/8', true],
    ['https://[fd00::1]', '[fd00:0::1]', true],
    ['https://[fd00::1]:8443', '[fd00::1]:8443', true],
    ['https://[fd00::1]', '10.0.0.0/8', false],
  ])('%s with NO_PROXY=%s is left out: %s', (url, list, without) => {
    const env = { HTTPS_PROXY: 'proxy.example', no_proxy: list }
    expect(decide(url, env) === undefined).toBe(without)
  })
})

describe('convox behind a proxy', () => {
  it('logs in, reads and asks doctor through it, and shows the password of neither', async () => {
    const server = await newConsole()
    const port = Number(server.host.split(':')[1])
    await using proxy = await openConnectProxy({ route: () => port, login: 'ann:proxy-password' })
    const env = { HTTPS_PROXY: proxy.url.replace('//', '//ann:proxy-password@') }
    const ann = newPerson()
    const args = ['login', 'console.invalid', '--password-stdin', '--debug']
    const login = await ann.run([...args, '--fingerprint', server.fingerprint], { stdin: KEY, env })
    expect([login.status, login.stdout]).toEqual([
      0,
      'Logged in to console.invalid as ann@example.com (acme)\nRack acme/dev\n',
    ])
    const racks = await ann.run(['racks'], { env })
    expect(racks.stdout).toContain('acme/dev')
    const doctor = await ann.run(['doctor', '--debug'], { env })
    expect(doctor).toMatchObject({ status: 0 })
    expect(doctor.stdout).toContain(`dns: left to the proxy 127.0.0.1:${proxy.port}`)
    expect(new Set(proxy.asked.map(({ target }) => target))).toEqual(
      new Set(['console.invalid:443']),
    )
    for (const { stdout, stderr } of [login, racks, doctor]) {
      for (const secret of [KEY, 'proxy-password', btoa(`convox:${KEY}`)]) {
        expect(stdout + stderr).not.toContain(secret)
      }
    }
    expect(login.stderr).toMatch(/DEBUG: GET https:\/\/console\.invalid\/auth 200 \d+ ms through/)
    // The host of NO_PROXY is looked for without it, and this one is nowhere.
    const without = await ann.run(['racks'], { env: { ...env, NO_PROXY: '.invalid' } })
    expect(without.stderr).toContain('the name console.invalid cannot be resolved')
  })

  it('never asks it for this machine itself', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await using proxy = await openConnectProxy({ route: () => undefined })
    const args = ['login', server.host, '--password-stdin', '--fingerprint', server.fingerprint]
    const env = { HTTPS_PROXY: proxy.url }
    expect((await ann.run(args, { stdin: KEY, env })).status).toBe(0)
    expect(proxy.asked).toEqual([])
  })

  it.each(['socks5://ann:hidden@proxy', 'http://ann:hidden@', 'ftp://ann:hidden@proxy', '::'])(
    'says what is wrong with HTTPS_PROXY=%s, without quoting it',
    async (value) => {
      const env = { HTTPS_PROXY: value, CONVOX_HOST: 'console.invalid', CONVOX_PASSWORD: KEY }
      const ran = await newPerson().run(['racks', '--debug'], { env })
      expect(ran.status).toBe(1)
      expect(ran.stderr).toMatch(/ERROR: HTTPS_PROXY is .*; give it as in HTTPS_PROXY=http/)
      expect(ran.stderr).not.toContain('hidden')
    },
  )
})
