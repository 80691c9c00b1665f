/** The Console behind the nginx of docs/reverse-proxy.md: every process here is the real one. */

import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import { createServer, request } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { loadCertificate } from '@keyrack/server'
import {
  fillIn,
  REQUEST_CASES,
  type RecordingRack,
  readAnswers,
  sendBytes,
  startRecordingRack,
} from '@keyrack/server/testing'
import { DatabaseSync } from '@photostructure/sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import {
  basic,
  eventually,
  PASSWORD,
  type StartedConsole,
  startConsole,
} from './started-console.ts'
import { type StartedNginx, startNginx } from './started-nginx.ts'

const NAME = 'console.example.com'
const MIB = 1024 * 1024
const BYTES = 50 * MIB
const isInstalled = ['/usr/sbin/nginx', '/usr/bin/nginx'].some((path) => existsSync(path))

describe.skipIf(!isInstalled)('a Console behind nginx', () => {
  const closing: Array<() => Promise<unknown>> = []
  let server: StartedConsole
  let nginx: StartedNginx
  let rack: RecordingRack
  let key: string
  let credentials: string

  beforeAll(async () => {
    server = await startConsole({ PUBLIC_URL: `https://${NAME}`, TRUSTED_PROXIES: '127.0.0.1' })
    closing.push(() => server.remove())
    nginx = await startNginx(NAME, server.environment.PORT ?? '')
    closing.push(() => nginx.remove())
    key = await firstAccount()
    const folder = await mkdtemp(join(tmpdir(), 'keyrack-e2e-rack-'))
    closing.push(() => rm(folder, { recursive: true, force: true }))
    const certificate = await loadCertificate({ folder, names: [] })
    rack = await startRecordingRack(certificate, ({ line }) => {
      if (line === 'GET /auth') return 'ok\n'
      return line === 'GET /system' ? SYSTEM : undefined
    })
    closing.push(() => rack.close())
    await addRack('recording', rack.port, certificate.fingerprint)
    credentials = `Authorization: ${basic(key)}\r\nRack: acme/recording`
  })

  afterAll(async () => {
    for (const close of closing.splice(0).reverse()) await close()
  })

  const SYSTEM = '{"name":"lab","provider":"aws","version":"1"}\n'
  /** The Rack answers with the line that it got, but to what the Console asks when it is added. */
  const echoed = (line: string) => (line === 'GET /system' ? SYSTEM : `${line}\n`)

  async function firstAccount(): Promise<string> {
    const [, token] = /setup token .*\n {4}(\S{43})$/m.exec(server.output()) ?? []
    const account = { email: 'ann@example.com', password: PASSWORD, organization: 'acme' }
    const answer = await ask('POST', '/api/sign-up', {}, { ...account, setup_token: token })
    expect(answer.status, answer.text).toBe(201)
    return JSON.parse(answer.text).api_key
  }

  async function addRack(name: string, port: number, fingerprint: string): Promise<void> {
    const rack = { organization: 'acme', name, host: `127.0.0.1:${port}`, key: 'k'.repeat(40) }
    const headers = { authorization: basic(key) }
    const answer = await ask('POST', '/api/racks', headers, { ...rack, fingerprint })
    expect(answer.status, answer.text).toBe(201)
  }

  /** Through nginx, from an address of its own. */
  function through(method: string, path: string, headers: Record<string, string>) {
    return request({
      ...{ method, path, host: '127.0.0.1', port: nginx.port, localAddress: '127.0.0.2' },
      headers: { host: NAME, ...headers },
      agent: false,
      rejectUnauthorized: false,
    })
  }

  async function ask(
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: unknown,
  ): Promise<{ status: number; text: string }> {
    const json = body === undefined ? {} : { 'content-type': 'application/json' }
    const asked = through(method, path, { ...json, ...headers })
    asked.end(body === undefined ? undefined : JSON.stringify(body))
    const [answer] = (await once(asked, 'response')) as [IncomingMessage]
    let text = ''
    for await (const chunk of answer.setEncoding('utf8')) text += chunk
    return { status: answer.statusCode ?? 0, text }
  }

  let forwarded = 0
  const MARKER = 'GET /instances?marker HTTP/1.1\r\nKNOWN\r\nConnection: close\r\n\r\n'

  it.each(REQUEST_CASES)('CWE-444 reads as it does: $name', async ({ bytes, arrives, last }) => {
    rack.reset()
    const sent = fillIn(last ? bytes : bytes + MARKER, NAME, credentials)
    const text = await sendBytes(nginx.port, sent, true)

    // HTTP/0.9 has answers without heads; nginx asks for it in HTTP/1.1, so there is a key missing.
    if (/^\{"error":/.test(text)) {
      expect([JSON.parse(text).code, rack.requests]).toEqual(['unauthenticated', []])
      return
    }
    const method = /^[A-Z]+/.exec(bytes.trimStart())?.[0] ?? ''
    const answers = readAnswers(text, [method, 'GET'])
    expect(rack.violations).toEqual([])
    await eventually('no half request is left', () => rack.unfinished().length === 0 || undefined)
    // Each request that the Rack saw has its own answer here, in the order in which they were sent;
    // what nginx mends on its way is still one request.
    const reached = rack.requests.map(({ line }) => line)
    const good = answers.filter(({ status }) => status === 200)
    const bodies = good.map(({ body }) => body)
    expect(bodies.toSorted()).toEqual(
      reached.map((line) => (line.startsWith('HEAD ') ? '' : echoed(line))).toSorted(),
    )
    expect(reached.length).toBeLessThanOrEqual(2)
    expect(reached.filter((line) => line.endsWith('?marker')).length).toBeLessThanOrEqual(1)
    if (reached.length === 2) expect(bodies.at(-1)).toBe('GET /instances?marker\n')
    expect(answers.length).toBeLessThanOrEqual(2)
    if (arrives !== undefined && reached.length > 0) {
      forwarded += 1
      expect(rack.requests.map(({ line, body }) => [line, body])).toContainEqual(arrives)
    }
    expect(reached).not.toContain('DELETE /instances/i-9')
  })

  it('and neither complains of the other', async () => {
    // Nearly all that are well formed were not held back by nginx.
    expect(forwarded).toBeGreaterThan(15)
    // What nginx writes when an answer has another border than it expected, or there is none.
    expect(await nginx.errors()).not.toMatch(/upstream (?:sent|prematurely)|crit|alert|emerg/)
  })

  it('CWE-348 the address of a client is what nginx saw, whatever the client says', async () => {
    const spoofed = {
      'x-forwarded-for': '203.0.113.9, 127.0.0.1',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'evil.example',
      'x-real-ip': '203.0.113.9',
      forwarded: 'for=203.0.113.9',
    }
    const headers = { authorization: basic(key), rack: 'acme/recording', ...spoofed }
    rack.reset()
    expect((await ask('POST', '/apps', headers)).status).toBe(200)
    const names = rack.requests.flatMap(({ headers }) => headers.map(([name]) => name))
    expect(names.filter((name) => /forwarded|real-ip/.test(name))).toEqual([])
    // And without nginx nobody but it is believed.
    const direct = await fetch(`${server.web}/apps`, { method: 'POST', headers })
    expect(direct.status).toBe(200)

    const database = new DatabaseSync(join(server.folder, 'data/console/db'), { readOnly: true })
    const rows = database.prepare("SELECT address FROM audit WHERE action = 'apps.create'").all()
    database.close()
    const addresses = new Set(rows.map((row) => (row as { address: string }).address))
    expect(addresses).toContain('127.0.0.2')
    expect(addresses).not.toContain('203.0.113.9')
  })

  it('refuses every name but its own', async () => {
    for (const host of ['evil.example', '127.0.0.2', `${NAME}.evil.example`]) {
      expect((await ask('GET', '/', { host })).status, host).toBe(403)
    }
    expect((await ask('GET', '/', {})).status).toBe(200)
  })

  it('opens a shell, which carries 50 MB and its exit status', async () => {
    const headers = { authorization: basic(key), rack: 'acme/dev' }
    const id = await eventually('an instance runs', async () => {
      const { status, text } = await ask('GET', '/instances', headers)
      if (status !== 200) return undefined
      return JSON.parse(text).find((one: { status: string }) => one.status === 'running')?.id
    })
    const socket = new WebSocket(`wss://127.0.0.1:${nginx.port}/instances/${id}/shell`, {
      headers: { host: NAME, ...headers, command: `head -c ${BYTES} /dev/zero; exit 7` },
      rejectUnauthorized: false,
      perMessageDeflate: false,
    })
    let bytes = 0
    let end = ''
    socket.on('message', (data: Buffer) => {
      bytes += data.length
      end = (end + data.toString('latin1')).slice(-80)
    })
    await once(socket, 'close')
    expect(end).toMatch(/:7\n$/)
    expect(bytes).toBeGreaterThan(BYTES)
    expect(bytes).toBeLessThan(BYTES + 200)
  })

  it('streams 50 MB up and 50 MB down', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keyrack-e2e-rack-'))
    const certificate = await loadCertificate({ folder, names: [] })
    const { cert } = certificate
    const storage = createServer({ cert, key: certificate.key.reveal() }, async (asked, answer) => {
      if (asked.url === '/auth') return void answer.end('ok')
      if (asked.url === '/system') return void answer.end(SYSTEM)
      if (asked.method === 'GET') return void Readable.from(zeros()).pipe(answer)
      let bytes = 0
      for await (const chunk of asked) bytes += chunk.length
      answer.end(String(bytes))
    }).listen(0, '127.0.0.1')
    closing.push(async () => {
      storage.closeAllConnections()
      storage.close()
      await rm(folder, { recursive: true, force: true })
    })
    await once(storage, 'listening')
    await addRack('storage', (storage.address() as AddressInfo).port, certificate.fingerprint)

    const headers = { authorization: basic(key), rack: 'acme/storage' }
    const sending = through('POST', '/apps/a/objects/x', headers)
    Readable.from(zeros()).pipe(sending)
    const [said] = (await once(sending, 'response')) as [IncomingMessage]
    expect(Buffer.concat(await said.toArray()).toString()).toBe(String(BYTES))

    const getting = through('GET', '/apps/a/objects/x', headers).end()
    const [got] = (await once(getting, 'response')) as [IncomingMessage]
    let bytes = 0
    for await (const chunk of got) bytes += chunk.length
    expect(bytes).toBe(BYTES)
  })
})

function* zeros(): Generator<Buffer> {
  const chunk = Buffer.alloc(64 * 1024)
  for (let sent = 0; sent < BYTES; sent += chunk.length) yield chunk
}
