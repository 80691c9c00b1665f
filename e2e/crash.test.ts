import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createClient } from '@keyrack/protocol/client'
import { mintApiKey, Secret } from '@keyrack/secrets'
import { afterEach, describe, expect, it } from 'vitest'
import { processesOf } from './processes.ts'
import {
  basic,
  eventually,
  type ListedInstance,
  launcher,
  listInstances,
  PASSWORD,
  type SignedUp,
  type StartedConsole,
  signUp,
  startConsole,
  threeRunning,
} from './started-console.ts'

let server: StartedConsole | undefined

afterEach(async () => {
  await server?.remove()
  server = undefined
})

async function start(): Promise<{ running: StartedConsole; account: SignedUp }> {
  const running = await startConsole()
  server = running
  const account = await signUp(running, { email: 'ann@example.com', organization: 'acme' })
  return { running, account }
}

const ids = (listed: ListedInstance[]) => listed.map(({ id }) => id).sort()

async function pidOf(running: StartedConsole, what: RegExp): Promise<number> {
  return eventually(`a process ${what}`, async () => {
    const found = (await processesOf(running.folder)).find(({ command }) => what.test(command))
    return found?.pid
  })
}

const RACK = /keyrack-rack\.js/

describe('kill -9', () => {
  it('of the Console leaves no process behind, and a restart has everything', async () => {
    const { running, account } = await start()
    const before = await threeRunning(running, account.apiKey)
    expect((await processesOf(running.folder)).length).toBeGreaterThanOrEqual(5)

    await running.stop('SIGKILL')
    await eventually('nothing of it is left', async () =>
      (await processesOf(running.folder)).length === 0 ? true : undefined,
    )

    server = await running.restart()
    const after = await threeRunning(server, account.apiKey)
    expect(ids(after)).toEqual(ids(before))
    expect(server.fingerprint).toBe(running.fingerprint)
  })

  it('of the Console while keys are regenerated loses no key it gave out', async () => {
    const { running, account } = await start()
    let current = account.apiKey
    for (let round = 0; round < 3; round++) {
      const up = server ?? running
      // As many as it manages until it is killed in the middle of one.
      const asked = (async () => {
        for (let turn = 0; ; turn++) {
          const answer = await fetch(`${up.web}/api/account/api-key`, {
            method: 'POST',
            headers: { Authorization: basic(current), 'Content-Type': 'application/json' },
            body: '{}',
          })
          if (answer.status !== 201) throw new Error(`regenerate: ${answer.status}`)
          current = ((await answer.json()) as { api_key: string }).api_key
          if (turn === round * 3) setImmediate(() => up.child.kill('SIGKILL'))
        }
      })()
      const failure = await asked.catch((error: unknown) => error)
      // The only way out of that loop is the connection that the kill cut.
      expect(failure).toBeInstanceOf(TypeError)
      server = await up.restart()
      const answer = await fetch(`${server.web}/auth`, {
        headers: { Authorization: basic(current) },
      })
      if (answer.status === 401) {
        // Replaced by a key whose answer was cut off: the person signs in and asks for another.
        current = await keyBySigningIn(server)
      } else expect(answer.status).toBe(200)
    }
  })

  it('of the Rack is healed by the Console, with the same instances', async () => {
    const { running, account } = await start()
    const before = await threeRunning(running, account.apiKey)
    const pid = await pidOf(running, RACK)
    process.kill(pid, 'SIGKILL')
    await eventually('another Rack runs', async () => {
      const found = (await processesOf(running.folder)).find(({ command }) => RACK.test(command))
      return found !== undefined && found.pid !== pid ? found : undefined
    })
    const after = await threeRunning(running, account.apiKey)
    expect(ids(after)).toEqual(ids(before))
  })

  it('of an instance ends in another one, and its shell says so', async () => {
    const { running, account } = await start()
    const before = await threeRunning(running, account.apiKey)
    const client = createClient({
      url: `https://${running.host}`,
      pin: running.fingerprint,
      password: Secret.of(account.apiKey),
      rack: 'acme/dev',
      version: 'dev',
    })
    const shell = await client.stream(`/instances/${before[0]?.id}/shell`, {
      Command: 'echo $PPID; setsid sleep 1000',
    })
    const [first] = await once(shell, 'data')
    process.kill(Number(String(first).trim()), 'SIGKILL')
    let said = ''
    for await (const chunk of shell) said += chunk
    expect(said).toMatch(/^ERROR: /)
    expect(said).toMatch(/:[1-9]\d*\n$/)

    const after = await eventually('a replacement', async () => {
      const listed = await listInstances(running, account.apiKey)
      const others = listed?.filter(({ status }) => status === 'running') ?? []
      return others.length === 3 && !others.some(({ id }) => id === before[0]?.id)
        ? others
        : undefined
    })
    expect(ids(after)).not.toEqual(ids(before))
    await eventually('its sessions are gone', async () =>
      (await processesOf(running.folder)).some(({ command }) => command.includes('1000'))
        ? undefined
        : true,
    )
  })
})

async function keyBySigningIn(running: StartedConsole): Promise<string> {
  const headers = { 'Content-Type': 'application/json' }
  const body = JSON.stringify({ email: 'ann@example.com', password: PASSWORD })
  const signedIn = await fetch(`${running.web}/api/sign-in`, { method: 'POST', headers, body })
  expect(signedIn.status).toBe(200)
  const [cookie = ''] = (signedIn.headers.get('set-cookie') ?? '').split(';')
  const answer = await fetch(`${running.web}/api/account/api-key`, {
    method: 'POST',
    headers: { ...headers, Cookie: cookie },
    body: '{}',
  })
  expect(answer.status).toBe(201)
  return ((await answer.json()) as { api_key: string }).api_key
}

describe('a graceful stop', () => {
  it('by SIGTERM ends with 0 and leaves nothing running', async () => {
    const { running, account } = await start()
    await threeRunning(running, account.apiKey)
    expect(await running.stop('SIGTERM')).toBe(0)
    expect(await processesOf(running.folder)).toEqual([])
  })
})

describe('a start that cannot be', () => {
  /** Runs the binary until it ends by itself. */
  async function refused(environment: Record<string, string>): Promise<string> {
    const child = spawn(process.execPath, [launcher], { env: environment, stdio: 'pipe' })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    const [code] = await once(child, 'close')
    expect(code, output).toBe(1)
    return output
  }

  it('a second server on one data folder is refused, and the first goes on', async () => {
    const { running, account } = await start()
    const second = await refused({
      ...running.environment,
      PORT: '0',
      TLS_PORT: '0',
      OPERATOR_PORT: '0',
    })
    expect(second).toContain('DATA_DIR')
    expect(await listInstances(running, account.apiKey)).toBeDefined()
  })

  it('a taken port names the variable to set', async () => {
    const { running } = await start()
    await running.stop()
    for (const variable of ['PORT', 'TLS_PORT', 'OPERATOR_PORT']) {
      const other = createServer().listen(Number(running.environment[variable]), '127.0.0.1')
      await once(other, 'listening')
      const output = await refused(running.environment)
      other.close()
      expect(output).toMatch(new RegExp(`\\b${variable}\\b`))
      expect(await processesOf(running.folder)).toEqual([])
    }
  })

  it('a wrong master key is refused by the id of the right one, and nothing is touched', async () => {
    const { running, account } = await start()
    await running.stop()
    const keys = join(running.folder, 'data', 'console', 'keys')
    const [file = ''] = (await readdir(keys)).filter((name) => name.endsWith('.key'))
    const moved = join(running.folder, 'moved.key')
    const text = await readFile(join(keys, file), 'utf8')
    await rename(join(keys, file), moved)
    const missing = await refused(running.environment)
    expect(missing).toContain(file.replace('.key', ''))
    // Damaged in one character.
    const damaged = text.replace(/[A-Za-z](?=[^A-Za-z]*$)/, (letter) =>
      letter === 'a' ? 'b' : 'a',
    )
    await writeFile(join(keys, file), damaged, { mode: 0o600 })
    expect(await refused(running.environment)).toContain(file)
    await rename(moved, join(keys, file))
    server = await running.restart()
    await threeRunning(server, account.apiKey)
  })
})

describe('secrets', () => {
  it('are in no child’s environment, no command line, no log and no file in clear', async () => {
    const planted = {
      DATABASE_PASSWORD: 'planted-database-password',
      AWS_SECRET_ACCESS_KEY: 'planted-aws-secret',
      npm_config_token: 'planted-npm-token',
    }
    const running = await startConsole(planted)
    server = running
    const account = await signUp(running, { email: 'ann@example.com', organization: 'acme' })
    const [listed] = await threeRunning(running, account.apiKey)
    const client = createClient({
      url: `https://${running.host}`,
      pin: running.fingerprint,
      password: Secret.of(account.apiKey),
      rack: 'acme/dev',
      version: 'dev',
    })
    const shell = await client.stream(`/instances/${listed?.id}/shell`, { Command: 'echo on; cat' })
    await once(shell, 'data')

    const found = (await processesOf(running.folder)).filter(({ pid }) => pid !== running.child.pid)
    expect(found.length).toBeGreaterThanOrEqual(5)
    for (const { command, environment } of found) {
      for (const secret of [...Object.values(planted), account.apiKey, PASSWORD]) {
        expect(environment).not.toContain(secret)
        expect(command).not.toContain(secret)
      }
      expect(environment).not.toMatch(/npm_|cvx[urd]_|PRIVATE KEY/)
      // Only the Rack itself may know the hash it was started with.
      if (!RACK.test(command)) expect(environment).not.toContain('RACK_KEY_HASH')
    }
    shell.end()
    shell.resume()
    await once(shell, 'close')
    await running.stop()
    expect(running.output()).not.toContain(account.apiKey)
    expect(running.output()).not.toContain(PASSWORD)
    expect(running.output()).not.toMatch(/cvx[urd]_[A-Za-z0-9]{39}/)

    const files = await readdir(join(running.folder, 'data'), {
      recursive: true,
      withFileTypes: true,
    })
    for (const file of files.filter((entry) => entry.isFile())) {
      const text = await readFile(join(file.parentPath, file.name), 'latin1')
      expect(text, file.name).not.toMatch(/cvx[urd]_[A-Za-z0-9]{39}/)
      expect(text, file.name).not.toContain(PASSWORD)
      // The host keys of instances and the TLS keys are private files; the Rack's SSH key is sealed.
      if (file.name.startsWith('db')) expect(text, file.name).not.toContain('PRIVATE KEY')
    }
  })
})

describe('a key of nobody', () => {
  it('opens nothing, however well it is formed', async () => {
    const { running } = await start()
    const headers = { Authorization: basic(mintApiKey('user').reveal()), Rack: 'acme/dev' }
    for (const path of ['/auth', '/racks', '/instances', '/api/account', '/api/racks']) {
      expect((await fetch(`${running.web}${path}`, { headers })).status, path).toBe(401)
    }
  })
})
