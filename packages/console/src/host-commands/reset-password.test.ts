import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Secret } from '@keyrack/secrets'
import { describe, expect, it, vi } from 'vitest'
import { signIn } from '../accounts/sign-in.ts'
import { founder, openDomain, PASSWORD, REQUEST, testFolder } from '../testing/console-domain.ts'
import { ConsoleProcess, post, tryKey } from '../testing/console-process.ts'
import { runHostCommand } from '../testing/run-host-command.ts'

vi.setConfig({ testTimeout: 120_000 })

const NEW = 'seven quiet herons at dusk'
const reset = (folder: string, stdin: string, email = 'ada@example.com') =>
  runHostCommand(['reset-password', email, '--password-stdin'], { DATA_DIR: folder }, stdin)

describe('keyrack-console reset-password', () => {
  it('works on the database of a stopped server', async () => {
    const folder = testFolder()
    const before = await openDomain(folder)
    await founder(before)
    await before.close()
    expect(await reset(folder, `${NEW}\n`)).toMatchObject({ status: 0, stderr: '' })
    const domain = await openDomain(folder)
    const signedIn = await signIn(
      domain,
      { email: 'ada@example.com', password: Secret.of(NEW) },
      REQUEST,
    )
    expect(signedIn.account.email).toBe('ada@example.com')
  })

  it('works through a running server, ends its sessions and leaves the API key', async () => {
    const folder = testFolder()
    const server = new ConsoleProcess(folder, { HOST: '0.0.0.0' })
    const url = await server.url()
    const ada = { email: 'ada@example.com', organization: 'acme', setup_token: server.setupToken }
    const made = await post(url, '/api/sign-up', { ...ada, password: PASSWORD })
    const signedIn = await fetch(`${url}/api/sign-in`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: ada.email, password: PASSWORD }),
    })
    const cookie = signedIn.headers.get('set-cookie')?.split(';')[0] ?? ''
    const account = () => fetch(`${url}/api/account`, { headers: { cookie } })
    expect((await account()).status).toBe(200)

    expect(await reset(folder, NEW)).toMatchObject({ status: 0, stderr: '' })
    expect((await account()).status).toBe(401)
    expect(await tryKey(url, String(made.body.api_key))).toBe(200)
    const old = await post(url, '/api/sign-in', { email: ada.email, password: PASSWORD })
    const fresh = await post(url, '/api/sign-in', { email: ada.email, password: NEW })
    expect([old.status, fresh.status]).toEqual([401, 200])
    expect(server.output + server.errors).not.toContain(NEW)
  })

  it('is for who can read the token in the data folder, and for no web page', async () => {
    const folder = testFolder()
    const server = new ConsoleProcess(folder, { HOST: '0.0.0.0' })
    await server.url()
    const file = join(folder, 'console', 'operator')
    expect(statSync(file).mode & 0o777).toBe(0o600)
    const { port, token } = JSON.parse(readFileSync(file, 'utf8'))
    const ask = async (headers: Record<string, string>) => {
      const body = JSON.stringify({ email: 'ada@example.com', password: NEW })
      const answer = await fetch(`http://127.0.0.1:${port}/password-reset`, {
        method: 'POST',
        headers,
        body,
      })
      return answer.status
    }
    const basic = (password: string) => `Basic ${btoa(`convox:${password}`)}`
    expect(await ask({})).toBe(401)
    expect(await ask({ authorization: basic('') })).toBe(401)
    expect(await ask({ authorization: basic(`${token}x`) })).toBe(401)
    const page = { authorization: basic(token), origin: 'http://localhost' }
    expect(await ask(page)).toBe(403)
    // With it, there is nobody of that address yet.
    expect(await ask({ authorization: basic(token) })).toBe(404)
  })

  it('is not fooled by what a killed server left behind', async () => {
    const folder = testFolder()
    const domain = await openDomain(folder)
    await founder(domain)
    const file = join(folder, 'console', 'operator')
    writeFileSync(file, JSON.stringify({ port: 1, token: 'stale' }), { mode: 0o600 })
    // The domain holds the lock: a server that is starting has removed the file first.
    expect((await reset(folder, NEW)).status).toBe(1)
    await domain.close()
    expect(await reset(folder, NEW)).toMatchObject({ status: 0, stderr: '' })
  })

  it.each([
    ['nothing', ''],
    ['a short password', 'short'],
    ['the wrong bytes', '\u0000'.repeat(20)],
    ['far too much', 'x'.repeat(100_000)],
  ])('refuses %s on stdin and changes nothing', async (_, stdin) => {
    const folder = testFolder()
    const before = await openDomain(folder)
    await founder(before)
    await before.close()
    const run = await reset(folder, stdin)
    expect([run.status, run.stdout]).toEqual([1, ''])
    expect(run.stderr).toMatch(/^ERROR: /)
    const domain = await openDomain(folder)
    const old = { email: 'ada@example.com', password: Secret.of(PASSWORD) }
    await expect(signIn(domain, old, REQUEST)).resolves.toBeDefined()
  })
})
