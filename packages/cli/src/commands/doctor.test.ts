import { chmodSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { KEY, logIn, newConsole, newPerson, type Person } from '../testing/person.ts'
import { consoleBehaviour } from '../testing/test-server.ts'

interface Result {
  check: string
  status: string
  detail: string
  next?: string
}

/** What the doctor says, by check. */
async function ask(
  person: Person,
  env: Record<string, string> = {},
): Promise<{ status: number | null; checks: Map<string, Result> }> {
  const ran = await person.run(['doctor', '--json'], { env })
  const results: Result[] = JSON.parse(ran.stdout)
  return { status: ran.status, checks: new Map(results.map((result) => [result.check, result])) }
}

const CHECKS = ['config folder', 'login', 'choice', 'dns', 'tls', 'key', 'clock', 'rack']

describe('convox doctor', () => {
  it('finds nothing where everything is well, in one line for each check', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const ran = await ann.run(['doctor'])
    expect(ran).toMatchObject({ status: 0, stderr: '' })
    const lines = ran.stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(CHECKS.length)
    for (const [index, check] of CHECKS.entries()) {
      expect(lines[index]).toMatch(new RegExp(`^ok {7}${check}: \\S`))
    }
    expect(ran.stdout).toContain(server.fingerprint)
    expect(ran.stdout).not.toContain(KEY)
  })

  it('says what to run when nobody is logged in, and skips what needs a login', async () => {
    const { status, checks } = await ask(newPerson())
    expect(status).toBe(1)
    expect(checks.get('config folder')?.status).toBe('ok')
    expect(checks.get('login')).toMatchObject({ status: 'failed' })
    expect(checks.get('login')?.next).toContain('convox login')
    for (const name of CHECKS.slice(2)) expect(checks.get(name)?.status).toBe('skipped')
  })

  it('repairs modes as every command does, and names a file that cannot be read', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const auth = join(ann.home, '.convox', 'auth')
    chmodSync(auth, 0o644)
    const repaired = await ann.run(['doctor'])
    expect(repaired.status).toBe(0)
    expect(repaired.stderr).toContain('was open to other users')
    expect(statSync(auth).mode & 0o777).toBe(0o600)

    writeFileSync(auth, `{"${server.host}": ${KEY}`)
    const { status, checks } = await ask(ann)
    expect(status).toBe(1)
    expect(checks.get('config folder')?.detail).toContain(auth)
    expect(JSON.stringify([...checks])).not.toContain(KEY)
  })

  it('says where the host, the key and the Rack come from', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    const folder = join(ann.home, '.convox')
    const details = async (env: Record<string, string>, ...args: string[]) => {
      const ran = await ann.run(['doctor', '--json', ...args], { env })
      const results: Result[] = JSON.parse(ran.stdout)
      return [1, 2].map((at) => results[at]?.detail)
    }
    const { host } = server
    expect(await details({})).toEqual([
      `${host} (from ${join(folder, 'host')}), with the key from ${join(folder, 'auth')}`,
      `the Rack acme/dev (from ${join(folder, 'rack')})`,
    ])
    const env = { CONVOX_HOST: host, CONVOX_PASSWORD: KEY, CONVOX_RACK: 'acme/other' }
    expect(await details(env)).toEqual([
      `${host} (from CONVOX_HOST), with the key from CONVOX_PASSWORD`,
      'the Rack acme/other (from CONVOX_RACK)',
    ])
    expect(await details(env, '--host', host, '-r', 'acme/third')).toEqual([
      `${host} (from --host), with the key from CONVOX_PASSWORD`,
      'the Rack acme/third (from --rack)',
    ])
    expect(await details({ RACK_URL: `https://convox:${KEY}@${host}` }, '-r', host)).toEqual([
      `${host} (from RACK_URL), with the key from RACK_URL`,
      `${host} itself (from --rack)`,
    ])
  })

  it('tells a name that does not resolve', async () => {
    const env = { CONVOX_HOST: 'no-such-host.invalid', CONVOX_PASSWORD: KEY }
    const { status, checks } = await ask(newPerson(), env)
    expect(status).toBe(1)
    expect(checks.get('dns')?.status).toBe('failed')
    expect(checks.get('dns')?.detail).toContain('no-such-host.invalid')
    expect(checks.get('tls')?.status).toBe('skipped')
  })

  it('tells a server that is not there, and a certificate that changed', async () => {
    const [ann, server, other] = [newPerson(), await newConsole(), await newConsole()]
    await logIn(ann, server)
    const pins = { [server.host]: other.fingerprint }
    ann.store('fingerprints', JSON.stringify(pins))
    const changed = await ask(ann)
    expect(changed.checks.get('tls')).toMatchObject({ status: 'failed' })
    expect(changed.checks.get('tls')?.detail).toContain(server.fingerprint)
    expect(changed.checks.get('key')?.status).toBe('skipped')
    expect(server.asked.filter(({ path }) => path === '/system')).toEqual([])

    const env = { CONVOX_HOST: 'localhost:1', CONVOX_PASSWORD: KEY }
    const gone = await ask(newPerson(), env)
    expect(gone.checks.get('tls')?.detail).toContain('localhost:1')
  })

  it('tells a key that is refused', async () => {
    const [ann, server] = [newPerson(), await newConsole()]
    await logIn(ann, server)
    server.state.keys.clear()
    const { status, checks } = await ask(ann)
    expect(status).toBe(1)
    expect(checks.get('key')).toMatchObject({ status: 'failed' })
    expect(checks.get('key')?.next).toContain(`convox login ${server.host}`)
    expect(checks.get('rack')?.status).toBe('skipped')
  })

  it.each([
    ['ahead of', -3600_000, 'failed'],
    ['behind', 3600_000, 'failed'],
    ['agrees', 5_000, 'ok'],
  ])('compares the clock with the server: %s', async (text, offset, status) => {
    const state = { keys: new Map([[KEY, 'ann@example.com']]), racks: [] }
    const { answer } = consoleBehaviour(state)
    const date = () => new Date(Date.now() + offset).toUTCString()
    const server = await newConsole(
      {},
      { answer: (asked) => ({ ...answer(asked), headers: { date: date() } }) },
    )
    const ann = newPerson()
    await logIn(ann, server)
    const { checks } = await ask(ann)
    expect(checks.get('clock')).toMatchObject({ status })
    expect(checks.get('clock')?.detail).toContain(text)
  })

  it('tells a Rack that cannot be reached apart from a Console that can', async () => {
    const state = { keys: new Map([[KEY, 'ann@example.com']]), racks: [] }
    const { answer } = consoleBehaviour(state)
    const body = {
      error: 'could not reach the Rack',
      code: 'rack-unreachable',
      request_id: 'abc123',
    }
    const server = await newConsole(
      {},
      { answer: (asked) => (asked.path === '/system' ? { status: 503, body } : answer(asked)) },
    )
    const ann = newPerson()
    await logIn(ann, server)
    const { status, checks } = await ask(ann)
    expect(status).toBe(1)
    expect(checks.get('key')?.status).toBe('ok')
    expect(checks.get('rack')?.detail).toBe('could not reach the Rack (request abc123)')
  })
})
