import { mintApiKey } from '@keyrack/secrets/api-key'
import { describe, expect, it } from 'vitest'
import { KEY, logIn, newConsole, newPerson } from './testing/person.ts'

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
