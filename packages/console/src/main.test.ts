import { cpSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { PASSWORD, testFolder } from './testing/console-domain.ts'
import { ConsoleProcess, post, tryKey } from './testing/console-process.ts'
import { isAlive } from './testing/eventually.ts'

// Every test starts the real program several times, on machines that do other things as well.
vi.setConfig({ testTimeout: 120_000 })

const ADA = { email: 'ada@example.com', password: PASSWORD, organization: 'acme' }
/** Runs no local Rack: starting it takes the longest, and it is no part of an account. */
const NO_RACK = { HOST: '0.0.0.0' }

async function signUp(server: ConsoleProcess): Promise<string> {
  const url = await server.url()
  const input = { ...ADA, setup_token: server.setupToken }
  const { status, body } = await post(url, '/api/sign-up', input)
  expect(status).toBe(201)
  return String(body.api_key)
}

/** A port that something else holds for as long as the test runs. */
async function takenPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return String(address.port)
}

/** What a client sees of the certificate, as the login line prints it. */
function shownFingerprint(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256.replaceAll(':', '').toLowerCase())
      socket.destroy()
    })
    socket.once('error', reject)
  })
}

describe('starting', () => {
  it('prints where to sign up and the exact login line, with the certificate that is shown', async () => {
    const folder = testFolder()
    const first = new ConsoleProcess(folder)
    await first.url()
    const [, port, fingerprint] =
      /^ {4}convox login localhost:(\d+) --fingerprint ([0-9a-f]{64})$/m.exec(first.output) ?? []
    expect(first.output).toContain('Sign up at')
    expect(await shownFingerprint(Number(port))).toBe(fingerprint)
    expect(first.output).not.toContain('setup token')

    await signUp(first)
    first.child.kill('SIGTERM')
    expect(await first.exited).toBe(0)
    const second = new ConsoleProcess(folder)
    await second.url()
    expect(second.output).toContain('Sign in at')
    expect(second.output).toContain(`--fingerprint ${fingerprint}`)
  })

  it('beyond this machine prints a setup token, asks for it, and runs no local Rack', async () => {
    const server = new ConsoleProcess(testFolder(), { HOST: '0.0.0.0' })
    const url = await server.url()
    const refused = await post(url, '/api/sign-up', ADA)
    expect(refused).toMatchObject({ status: 403, body: { field: 'setup_token' } })
    const accepted = await post(url, '/api/sign-up', { ...ADA, setup_token: server.setupToken })
    expect(accepted.status).toBe(201)
    expect(server.output).toContain('no local Rack')
    expect(server.children()).toEqual([])
  })

  it.each(['PORT', 'TLS_PORT', 'OPERATOR_PORT', 'RACK_PORT'])(
    'says which variable to set when %s is taken, and leaves nothing running',
    async (variable) => {
      const port = await takenPort()
      const server = new ConsoleProcess(testFolder(), { [variable]: port })
      expect(await server.exited).toBe(1)
      const line = `ERROR: port ${port} is taken; set ${variable} to another one`
      expect(server.errors.split('\n')).toContain(line)
      expect(server.children()).toEqual([])
    },
  )

  it('names a wrong setting without repeating what may be secret', async () => {
    const server = new ConsoleProcess(testFolder(), { DATABASE_URL: 'postgres://ada:s3cr3t@db' })
    expect(await server.exited).toBe(1)
    expect(server.errors).toMatch(/^ERROR: DATABASE_URL is wrong: it names no database/)
    expect(server.errors + server.output).not.toContain('s3cr3t')
  })

  it('a second time on one folder is refused, and the first one serves on', async () => {
    const folder = testFolder()
    const first = new ConsoleProcess(folder, NO_RACK)
    await first.url()
    const second = new ConsoleProcess(folder, NO_RACK)
    expect(await second.exited).toBe(1)
    expect(second.errors).toContain(join(folder, 'console'))
    expect(second.errors).toContain('DATA_DIR')
    expect(await tryKey(await first.url(), await signUp(first))).toBe(200)
  })

  it('with another master key, or none, is refused by the id it needs, and loses nothing', async () => {
    const folder = testFolder()
    const first = new ConsoleProcess(folder, NO_RACK)
    const key = await signUp(first)
    await first.kill()
    const other = testFolder()
    const stranger = new ConsoleProcess(other, NO_RACK)
    await stranger.url()
    await stranger.kill()

    const keys = join(folder, 'console', 'keys')
    const file = readdirSync(keys).find((name) => name.endsWith('.key')) ?? 'no key'
    renameSync(keys, `${keys}.aside`)
    for (const replace of [
      () => {},
      () => cpSync(join(other, 'console', 'keys'), keys, { recursive: true }),
    ]) {
      replace()
      const wrong = new ConsoleProcess(folder, NO_RACK)
      expect(await wrong.exited).toBe(1)
      expect(wrong.errors).toContain(file.replace('.key', ''))
    }
    rmSync(keys, { recursive: true })
    renameSync(`${keys}.aside`, keys)
    const again = new ConsoleProcess(folder, NO_RACK)
    expect(await tryKey(await again.url(), key)).toBe(200)
  })
})

describe('ending', () => {
  it('on SIGTERM stops the Rack too and exits with 0', async () => {
    const server = new ConsoleProcess(testFolder())
    await server.url()
    const children = server.children()
    expect(children).toHaveLength(1)
    server.child.kill('SIGTERM')
    expect(await server.exited).toBe(0)
    expect(children.filter(isAlive)).toEqual([])
  })

  it('by kill -9 takes the Rack with it, and the next start finds both as they were', async () => {
    const folder = testFolder()
    const first = new ConsoleProcess(folder)
    const key = await signUp(first)
    expect(first.children()).toHaveLength(1)
    // `kill` waits until the Rack has noticed and is gone.
    await first.kill()
    const second = new ConsoleProcess(folder)
    expect(await tryKey(await second.url(), key)).toBe(200)
  })
})

describe('kill -9 at any moment', () => {
  it('keeps every key whose answer arrived', async () => {
    const folder = testFolder()
    let acknowledged: string | undefined
    for (let round = 0; round < 4; round += 1) {
      const server = new ConsoleProcess(folder, NO_RACK)
      const url = await server.url()
      acknowledged = await settle(server, acknowledged)
      for (let times = 0; times < round; times += 1) acknowledged = await renew(url, acknowledged)
      await server.kill()
    }
    await settle(new ConsoleProcess(folder, NO_RACK), acknowledged)
  })

  it('while keys are made leaves one that works, or a way to one', {
    timeout: 120_000,
  }, async () => {
    const folder = testFolder()
    for (const afterMs of [2, 13, 37]) {
      const server = new ConsoleProcess(folder, NO_RACK)
      const url = await server.url()
      const keys = [await settle(server, undefined)]
      setTimeout(() => server.child.kill('SIGKILL'), afterMs)
      await expect(renewForEver(url, keys)).rejects.toThrow('fetch failed')
      await server.kill()

      const again = new ConsoleProcess(folder, NO_RACK)
      const next = await again.url()
      // Of all keys only the last can work, and not if the one being made has replaced it.
      const [last = '', ...older] = keys.reverse()
      expect([200, 401]).toContain(await tryKey(next, last))
      for (const old of older) expect(await tryKey(next, old)).toBe(401)
      expect(await tryKey(next, await settle(again, undefined))).toBe(200)
      await again.kill()
    }
  })

  it('during the first sign-up leaves all of the account or nothing', {
    timeout: 240_000,
  }, async () => {
    for (const afterMs of [10, 45]) {
      const folder = testFolder()
      const server = new ConsoleProcess(folder)
      const url = await server.url()
      const signingUp = post(url, '/api/sign-up', ADA).catch(() => undefined)
      setTimeout(() => server.child.kill('SIGKILL'), afterMs)
      await server.exited
      const answer = await signingUp
      await server.kill()
      const again = new ConsoleProcess(folder)
      const next = await again.url()
      const acknowledged = answer?.status === 201 ? String(answer.body.api_key) : undefined
      const key = await settle(again, acknowledged)
      const racks = await fetch(`${next}/racks`, {
        headers: { authorization: `Basic ${Buffer.from(`convox:${key}`).toString('base64')}` },
      })
      expect(await racks.json()).toMatchObject([{ name: 'dev', organization: { name: 'acme' } }])
    }
  })
})

/** Regenerates one key after the other, each with the one before, until the server is gone. */
async function renewForEver(url: string, keys: string[]): Promise<never> {
  for (;;) keys.push(await renew(url, keys.at(-1) ?? ''))
}

async function renew(url: string, apiKey: string): Promise<string> {
  const { status, body } = await post(url, '/api/account/api-key', {}, apiKey)
  expect(status).toBe(201)
  return String(body.api_key)
}

/** A working key: the acknowledged one, which must work, or one got as its owner would get it. */
async function settle(server: ConsoleProcess, acknowledged: string | undefined): Promise<string> {
  const url = await server.url()
  if (acknowledged !== undefined) {
    expect(await tryKey(url, acknowledged)).toBe(200)
    return acknowledged
  }
  const fresh = await post(url, '/api/sign-up', { ...ADA, setup_token: server.setupToken })
  if (fresh.status === 201) return String(fresh.body.api_key)
  expect(fresh.status).toBe(403)
  const signedIn = await fetch(`${url}/api/sign-in`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email: ADA.email, password: ADA.password }),
  })
  expect(signedIn.status).toBe(200)
  const cookie = signedIn.headers.get('set-cookie')?.split(';', 1)[0] ?? ''
  const renewed = await fetch(`${url}/api/account/api-key`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', cookie },
    body: '{}',
  })
  expect(renewed.status).toBe(201)
  return String(JSON.parse(await renewed.text()).api_key)
}
