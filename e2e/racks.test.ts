/** Racks under a Console: every process here is the real one. */
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, peerCertificate } from '@keyrack/protocol/client'
import { Secret } from '@keyrack/secrets'
import { loadCertificate } from '@keyrack/server'
import { afterEach, describe, expect, it } from 'vitest'
import {
  basic,
  eventually,
  PASSWORD,
  type SignedUp,
  type StartedConsole,
  signUp,
  startConsole,
} from './started-console.ts'
import { type StartedRack, startRack } from './started-rack.ts'

const closing: Array<() => Promise<unknown>> = []

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function start(environment: Record<string, string> = {}) {
  const server = await startConsole(environment)
  closing.push(() => server.remove())
  const ann = await signUp(server, { email: 'ann@example.com', organization: 'acme' })
  return { server, ann }
}

async function startSecondRack(): Promise<StartedRack> {
  const rack = await startRack()
  closing.push(() => rack.remove())
  return rack
}

async function ask(
  { web }: StartedConsole,
  { apiKey }: SignedUp,
  method: string,
  path: string,
  body?: unknown,
) {
  const answer = await fetch(`${web}${path}`, {
    method,
    headers: {
      Authorization: basic(apiKey),
      Rack: 'acme/lab',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  return { status: answer.status, body: text === '' ? undefined : JSON.parse(text) }
}

const addition = ({ host, key, fingerprint }: StartedRack) => {
  return { organization: 'acme', name: 'lab', host, key, fingerprint }
}

describe('a Rack of its own under a Console', () => {
  it('is used through it, also after a restart, and directly all the while', async () => {
    const [{ server, ann }, rack] = [await start(), await startSecondRack()]
    expect((await ask(server, ann, 'POST', '/api/racks', addition(rack))).status).toBe(201)
    const instances = async (running: StartedConsole) =>
      (await ask(running, ann, 'GET', '/instances')).body as { id: string }[]
    const before = (await instances(server)).map(({ id }) => id)
    expect(before).toHaveLength(3)
    const direct = createClient({
      url: `https://${rack.host}`,
      pin: rack.fingerprint,
      password: Secret.of(rack.key),
      version: 'test',
    })
    expect(await direct.get('/instances', (value) => value)).toHaveLength(3)

    await server.stop('SIGKILL')
    const again = await server.restart()
    closing.push(() => again.remove())
    const listed = (await ask(again, ann, 'GET', '/racks')).body
    expect(listed.find(({ name }: { name: string }) => name === 'lab').status).toBe('unknown')
    expect((await instances(again)).map(({ id }) => id)).toEqual(before)

    const person = createClient({
      url: `https://${again.host}`,
      pin: again.fingerprint,
      password: Secret.of(ann.apiKey),
      rack: 'acme/lab',
      version: 'test',
    })
    const shell = await person.stream(`/instances/${before[0]}/shell`, { Command: 'cat' })
    shell.write('still here\n')
    await once(shell, 'data')
    const ended = new Promise((resolve) => shell.on('error', resolve).once('close', resolve))
    expect((await ask(again, ann, 'DELETE', '/api/racks/acme/lab')).status).toBe(204)
    // Whoever is in a shell there is out of it.
    await ended
    expect((await ask(again, ann, 'GET', '/instances')).status).toBe(404)
    expect(await direct.get('/instances', (value) => value)).toHaveLength(3)
  })

  it('that was reinstalled is refused until its new certificate is trusted', async () => {
    const [{ server, ann }, rack] = [await start(), await startSecondRack()]
    await ask(server, ann, 'POST', '/api/racks', addition(rack))
    expect((await ask(server, ann, 'GET', '/system')).status).toBe(200)
    closing.pop()
    const reinstalled = await rack.restartWithNewCertificate()
    closing.push(() => reinstalled.remove())
    const { fingerprint } = await peerCertificate(`https://${reinstalled.host}`)
    expect(fingerprint).not.toBe(rack.fingerprint)

    const refused = await ask(server, ann, 'GET', '/system')
    expect([refused.status, refused.body]).toMatchObject([502, { code: 'rack-refused' }])
    const trust = (password: string) =>
      ask(server, ann, 'POST', '/api/racks/acme/lab/trust', { fingerprint, password })
    expect((await trust('not the password')).status).toBe(422)
    expect((await ask(server, ann, 'GET', '/system')).status).toBe(502)
    expect((await trust(PASSWORD)).status).toBe(200)
    expect((await ask(server, ann, 'GET', '/system')).status).toBe(200)
  })
})

/** Official in what it answers, and stopped where the test wants it. */
async function startHeldRack() {
  const folder = await mkdtemp(join(tmpdir(), 'keyrack-e2e-held-'))
  closing.push(() => rm(folder, { recursive: true, force: true }))
  const certificate = await loadCertificate({ folder: join(folder, 'tls'), names: [] })
  const server = createServer({ cert: certificate.cert, key: certificate.key.reveal() })
  const rack = { held: false, asked: [] as string[] }
  server.on('request', (request, response) => {
    rack.asked.push(request.url ?? '')
    const system = { name: 'production', provider: 'aws', status: 'running', version: '2023' }
    if (request.url === '/auth') response.end('ok\n')
    else if (!rack.held) response.end(JSON.stringify(system))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(async () => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  const { fingerprint } = certificate
  const authority = join(folder, 'ca', 'rack.pem')
  await mkdir(join(folder, 'ca'))
  await writeFile(authority, certificate.cert)
  return {
    rack,
    authority,
    body: {
      organization: 'acme',
      name: 'lab',
      host: `localhost:${port}`,
      key: 'pw/1',
      fingerprint,
    },
  }
}

describe('adding a Rack', () => {
  it('leaves nothing when the Console is killed in the middle of it, and works afterwards', async () => {
    const [{ server, ann }, { rack, body }] = [await start(), await startHeldRack()]
    rack.held = true
    const cut = ask(server, ann, 'POST', '/api/racks', body).catch(() => 'cut')
    await eventually('the Rack is being asked', () => rack.asked.includes('/system') || undefined)
    await server.stop('SIGKILL')
    expect(await cut).toBe('cut')

    const again = await server.restart()
    closing.push(() => again.remove())
    const racks = (await ask(again, ann, 'GET', '/racks')).body
    expect(racks.map(({ name }: { name: string }) => name)).toEqual(['dev'])
    rack.held = false
    expect((await ask(again, ann, 'POST', '/api/racks', body)).status).toBe(201)
    expect((await ask(again, ann, 'GET', '/system')).status).toBe(200)
  })

  it('needs no fingerprint where an authority vouches for its certificate', async () => {
    const { authority, body } = await startHeldRack()
    const { server, ann } = await start({ NODE_EXTRA_CA_CERTS: authority })
    const added = await ask(server, ann, 'POST', '/api/racks', { ...body, fingerprint: undefined })
    expect([added.status, added.body]).toMatchObject([201, { fingerprint: null }])
    expect((await ask(server, ann, 'GET', '/system')).status).toBe(200)
  })
})
