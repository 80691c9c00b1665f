import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { createServer } from 'node:net'
import { mintApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { verifyChain } from '../audit/chain.ts'
import { invited, type TestDomain } from '../testing/console-domain.ts'
import { openRackKey } from './open-rack-key.ts'
import { addBody, consoleAndRack } from './testing/added-rack.ts'
import {
  OFFICIAL_KEY,
  type OfficialRack,
  SYSTEM,
  startOfficialRack,
} from './testing/official-rack.ts'

const names = (domain: TestDomain) =>
  domain.store.db
    .selectFrom('racks')
    .where('local_at', 'is', null)
    .select('name')
    .execute()
    .then((rows) => rows.map(({ name }) => name))

const rackEvents = async (domain: TestDomain) => {
  const rows = await domain.store.db.selectFrom('audit').selectAll().orderBy('sequence').execute()
  expect(verifyChain(rows)).toBeUndefined()
  return rows.filter(({ action }) => action === 'rack.add')
}

const added = async (domain: TestDomain) =>
  (await rackEvents(domain)).filter(({ outcome }) => outcome === 'succeeded')

describe('adding an official Rack', () => {
  it('keeps its key sealed, tells where it is, and serves it through the Console at once', async () => {
    const { ask, add, key, domain, rack, account } = await consoleAndRack()
    const answer = await add()
    expect([answer.status, answer.json]).toMatchObject([
      201,
      {
        name: 'live',
        organization: { name: 'acme' },
        provider: 'aws',
        version: SYSTEM.version,
        status: 'running',
        url: `https://${rack.host}`,
        fingerprint: rack.fingerprint,
      },
    ])
    expect(answer.text).not.toContain(OFFICIAL_KEY)
    const system = await ask('/system', { key, headers: { rack: 'acme/live' } })
    expect([system.status, system.json]).toEqual([200, SYSTEM])
    expect(rack.asked.map(({ password }) => password)).toEqual(Array(3).fill(OFFICIAL_KEY))

    const listed = (await ask('/racks', { key })).json
    expect(listed).toMatchObject([{ name: 'dev' }, { name: 'live', version: SYSTEM.version }])
    const row = await domain.store.db
      .selectFrom('racks')
      .where('name', '=', 'live')
      .selectAll()
      .executeTakeFirstOrThrow()
    expect(JSON.stringify(row)).not.toContain(OFFICIAL_KEY)
    const sealed = { id: row.id, sealedKey: row.sealed_key, keyVersion: row.key_version }
    expect(openRackKey(domain.keyring, sealed).reveal()).toBe(OFFICIAL_KEY)
    expect(await rackEvents(domain)).toMatchObject([
      { action: 'rack.add', phase: 'started', target: 'acme/live', actor_id: account.id },
      { action: 'rack.add', phase: 'finished', outcome: 'succeeded', rack_id: row.id },
    ])
    expect(domain.lines.join('')).not.toContain(OFFICIAL_KEY)
  })

  it.each<[string, string]>([
    ['nothing', ''],
    ['OK', 'OK\n'],
    ['JSON without an id', '{"success":true}'],
  ])('is told by %s in answer to /auth', async (_, body) => {
    const { add, rack } = await consoleAndRack()
    rack.handler = ({ path }, response) => {
      response.end(path === '/auth' ? body : JSON.stringify(SYSTEM))
    }
    expect((await add()).status).toBe(201)
  })

  it('takes the fingerprint of its key as well, and its own key with a line break around it', async () => {
    const { add, rack } = await consoleAndRack()
    const changes = { fingerprint: rack.keyFingerprint, key: `  ${OFFICIAL_KEY}\r\n` }
    expect((await add(changes)).json).toMatchObject({ fingerprint: rack.keyFingerprint })
    expect(rack.asked[0]?.password).toBe(OFFICIAL_KEY)
  })

  it('shows nothing of what a terminal would obey', async () => {
    const { ask, add, key, rack } = await consoleAndRack()
    const evil = { ...SYSTEM, provider: 'a\u001b[2Jws\u202e', version: `1${'0'.repeat(500)}` }
    rack.handler = ({ path }, response) =>
      response.end(path === '/auth' ? 'ok' : JSON.stringify(evil))
    expect((await add()).status).toBe(201)
    const [, listed] = (await ask('/racks', { key })).json as {
      provider: string
      version: string
    }[]
    expect(listed?.provider).toBe('a[2Jws')
    expect(listed?.version).toHaveLength(60)
  })
})

describe('before anything is saved', () => {
  it('who tried it in vain is on record with the reason, and no key is', async () => {
    const { add, domain, account } = await consoleAndRack()
    const key = 'not-the-key-of-this-rack'
    const refused = await add({ key })
    expect(refused.status).toBe(422)
    await add({ fingerprint: 'ab'.repeat(32) })
    const events = await rackEvents(domain)
    const target = { target: 'acme/live', actor_id: account.id, rack_id: null }
    expect(events).toMatchObject([
      { ...target, phase: 'started' },
      { ...target, phase: 'finished', outcome: 'failed', status: 422 },
      { ...target, phase: 'started' },
      { ...target, phase: 'finished', outcome: 'failed', status: 409 },
    ])
    expect(events[1]?.note).toContain('refuses this key')
    expect(JSON.stringify(events)).not.toContain(key)
    // Only asking which certificate it has is no attempt.
    await add({ fingerprint: undefined })
    expect(await rackEvents(domain)).toHaveLength(4)
  })

  it('a certificate that nobody vouches for is answered with its fingerprint, and no key is sent', async () => {
    const { add, domain, rack } = await consoleAndRack()
    const answer = await add({ fingerprint: undefined })
    expect(answer.status).toBe(409)
    expect(answer.json).toMatchObject({ field: 'fingerprint', fingerprint: rack.fingerprint })
    expect(rack.asked).toEqual([])
    expect(await names(domain)).toEqual([])
  })

  it('another certificate than the given one is refused, and no key is sent', async () => {
    const { add, domain, rack } = await consoleAndRack()
    const answer = await add({ fingerprint: 'ab'.repeat(32) })
    expect([answer.status, answer.json]).toMatchObject([409, { field: 'fingerprint' }])
    expect(answer.json).not.toHaveProperty('fingerprint')
    expect(answer.text).toContain(rack.fingerprint)
    expect(rack.asked).toEqual([])
    expect(await names(domain)).toEqual([])
  })

  it.each<[string, Record<string, unknown>, string]>([
    ['no key', { key: '' }, 'key'],
    ['only spaces', { key: ' \n ' }, 'key'],
    ['the mask', { key: '****' }, 'key'],
    ['two lines', { key: 'one\ntwo' }, 'key'],
    ['a huge key', { key: 'x'.repeat(3000) }, 'key'],
    ['a key of ours that was cut', { key: mintApiKey('rack').reveal().slice(0, -1) }, 'key'],
    ["a person's key", { key: mintApiKey('user').reveal() }, 'key'],
    ['a key that is no text', { key: 7 }, 'key'],
    ['no name', { name: '' }, 'name'],
    ['a name with a slash', { name: 'a/b' }, 'name'],
    ['a name with a control character', { name: 'a\u0007' }, 'name'],
    ['a huge name', { name: 'a'.repeat(64) }, 'name'],
    ['a name in other letters', { name: 'líve' }, 'name'],
    ['no fingerprint', { fingerprint: 'abc' }, 'fingerprint'],
    ['no organization', { organization: undefined }, 'organization'],
    ['somebody else’s organization', { organization: 'other' }, 'organization'],
    ['an unknown field', { provider: 'aws' }, 'provider'],
  ])('%s is refused by its field, and the Rack is not asked', async (_, changes, field) => {
    const { add, domain, rack } = await consoleAndRack()
    const answer = await add(changes)
    expect(answer.json).toMatchObject({ field, error: expect.any(String) })
    expect([404, 422]).toContain(answer.status)
    expect(rack.asked).toEqual([])
    expect(await names(domain)).toEqual([])
  })

  it('a wrong key is told as one, not as a wrong login', async () => {
    const { add, domain } = await consoleAndRack()
    const answer = await add({ key: 'wrong' })
    expect([answer.status, answer.json]).toMatchObject([422, { code: 'invalid', field: 'key' }])
    expect(await names(domain)).toEqual([])
    expect(await added(domain)).toEqual([])
  })

  it.each<[string, OfficialRack['handler'], number, RegExp]>([
    ['a web page', page, 502, /does not answer as a Rack/],
    ['an empty page for everything', (_, response) => response.end(), 502, /as a Rack/],
    ['an object that is no Rack', (_, response) => response.end('{"id":"x"}'), 502, /as a Rack/],
    ['a list', (_, response) => response.end('[]'), 502, /as a Rack/],
    ['a redirect', redirect, 502, /points to another address/],
    ['errors', (_, response) => response.writeHead(500).end('AccessDenied'), 502, /AccessDenied/],
    ['an answer without end', endless, 502, /larger than any real one/],
    ['half an answer', cut, 503, /failed/],
    [
      'no HTTP',
      (_, response) => response.socket?.end('SSH-2.0-x\r\n'),
      502,
      /cannot be understood/,
    ],
  ])('%s is no Rack', async (_, handler, status, text) => {
    const { add, domain, rack } = await consoleAndRack()
    rack.handler = handler
    const answer = await add()
    expect(answer.json).toMatchObject({ error: expect.stringMatching(text) })
    expect(answer.status).toBe(status)
    expect(answer.text).not.toContain('%')
    expect(await names(domain)).toEqual([])
  })

  it('a closed port, plain http and a name that is not there are no Racks', async () => {
    const { add, domain } = await consoleAndRack()
    const closed = createServer().listen(0, '127.0.0.1')
    await once(closed, 'listening')
    const address = closed.address()
    closed.close()
    await once(closed, 'close')
    const port = typeof address === 'object' ? address?.port : 0
    const plain = await startOfficialRack({ plain: true })
    for (const host of [`localhost:${port}`, plain.host, 'no-such-rack.invalid']) {
      expect((await add({ host })).json).toMatchObject({ code: 'rack-unreachable' })
    }
    expect(plain.asked).toEqual([])
    expect(await names(domain)).toEqual([])
  })
})

describe('a Rack that shows its own key', () => {
  it.each<[string, object, boolean]>([
    ['in an output', { outputs: { Password: OFFICIAL_KEY } }, true],
    ['in a parameter of another case', { parameters: { password: 'x' } }, true],
    ['as a mask', { outputs: { Password: '****' }, parameters: { Password: '' } }, false],
    ['under another name', { outputs: { Passwords: 'x', Domain: 'y' } }, false],
  ])('%s is added, with a warning when it is the key', async (_, shown, warned) => {
    const { add, rack } = await consoleAndRack()
    rack.handler = ({ path }, response) =>
      response.end(path === '/auth' ? 'ok' : JSON.stringify({ ...SYSTEM, ...shown }))
    const answer = await add()
    expect(answer.status).toBe(201)
    const warning = expect.stringContaining('shows its Password')
    if (warned) expect(answer.json).toMatchObject({ warning })
    else expect(answer.json).not.toHaveProperty('warning')
    expect(answer.text).not.toContain(OFFICIAL_KEY)
  })
})

describe('where a Rack may be', () => {
  const spellings = [
    ...['10.0.0.1', '169.254.169.254', '0.0.0.0', '0', '[::]', '[fe80::1]', '192.168.0.1:5443'],
    ...['2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '169.254.43518', '[::ffff:a9fe:a9fe]'],
    ...['[64:ff9b::7f00:1]', '[::7f00:1]', '[fd00:ec2::254]', '0x0a.1', '168.63.129.16'],
  ]
  it.each(spellings)('CWE-918 not at %s, and the refusal says why', async (host) => {
    const { add, domain } = await consoleAndRack()
    const answer = await add({ host })
    expect([answer.status, answer.json]).toMatchObject([422, { field: 'host' }])
    expect(answer.text).toMatch(/not allowed/)
    expect(await names(domain)).toEqual([])
  })

  it.each([
    ...['', ' ', 'http://rack.example.com', 'ftp://rack', 'https://convox:key@rack.example.com'],
    ...['rack.example.com/path', 'rack.example.com?x', 'a b', 'rack\n.example.com', 'rack\\evil'],
    ...['rack.example.com:99999', 'rack:0', '[::1', '[fe80::1%eth0]', `${'a'.repeat(300)}.com`],
    ...['rack\u202e.example.com', '%31%32%37.0.0.1.', 'file:///etc/passwd'],
  ])('%j is not a host', async (host) => {
    const { add } = await consoleAndRack()
    const answer = await add({ host })
    expect([answer.status, answer.json]).toMatchObject([422, { field: 'host' }])
  })

  it('on this machine only for the server administrator, in any spelling', async () => {
    const { ask, account, domain, rack } = await consoleAndRack()
    const carol = await invited(domain, account, 'carol@example.com', 'administrator')
    const key = carol.apiKey.reveal()
    for (const host of ['localhost', '127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]']) {
      const body = { ...addBody(rack), host: `${host}:${rack.port}` }
      const answer = await ask('/api/racks', { key, body })
      expect([host, answer.status, answer.json]).toMatchObject([host, 403, { field: 'host' }])
    }
    expect(rack.asked).toEqual([])
  })

  it('one that was added on this machine is used by the server administrator only', async () => {
    const { ask, add, account, domain } = await consoleAndRack()
    await add()
    const carol = await invited(domain, account, 'carol@example.com', 'administrator')
    const key = carol.apiKey.reveal()
    expect((await ask('/system', { key, headers: { rack: 'acme/live' } })).status).toBe(403)
    expect((await ask('/api/racks/acme/live', { key, method: 'DELETE' })).status).toBe(403)
  })
})

describe('who adds Racks', () => {
  it.each(['operator', 'developer', 'viewer'])('not a %s', async (role) => {
    const { add, account, domain, rack } = await consoleAndRack()
    const other = await invited(domain, account, 'other@example.com', role)
    const answer = await add({}, other.apiKey.reveal())
    expect([answer.status, answer.json]).toMatchObject([403, { code: 'forbidden' }])
    expect(rack.asked).toEqual([])
  })

  it('not somebody without a key', async () => {
    const { ask, rack } = await consoleAndRack()
    expect((await ask('/api/racks', { body: addBody(rack) })).status).toBe(401)
    expect((await ask('/api/racks/acme/live', { method: 'DELETE' })).status).toBe(401)
  })
})

describe('the same twice', () => {
  it('a name is taken once, also when many add at once, and the losers leave nothing', async () => {
    const { add, domain } = await consoleAndRack()
    const answers = await Promise.all(Array.from({ length: 6 }, () => add()))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
    expect(await names(domain)).toEqual(['live'])
    expect(await added(domain)).toHaveLength(1)
    expect((await add()).json).toMatchObject({ code: 'conflict', field: 'name' })
  })

  it('a Rack that has an id is in the Console once, under whatever name and address', async () => {
    const { add, domain, rack } = await consoleAndRack()
    rack.handler = ({ path }, response) => {
      // One of ours from before Racks had a Console of their own.
      if (path.startsWith('/system/key')) response.writeHead(404).end()
      else response.end(JSON.stringify(path === '/auth' ? { id: 'rack-77' } : SYSTEM))
    }
    expect((await add()).status).toBe(201)
    const again = await add({ name: 'again', host: `127.0.0.1:${rack.port}` })
    expect([again.status, again.json]).toMatchObject([409, { field: 'host' }])
    expect(again.text).toContain('acme/live')
    expect(await names(domain)).toEqual(['live'])
  })

  it('a Rack whose saving fails is not there, and can be added afterwards', async () => {
    const { add, domain } = await consoleAndRack()
    await domain.store.db.schema.alterTable('audit').renameTo('elsewhere').execute()
    expect((await add()).status).toBe(500)
    await domain.store.db.schema.alterTable('elsewhere').renameTo('audit').execute()
    expect(await names(domain)).toEqual([])
    expect((await add()).status).toBe(201)
  })
})

function page(_: unknown, response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><p>Welcome')
}

function redirect(_: unknown, response: ServerResponse): void {
  response.writeHead(302, { location: 'https://169.254.169.254/' }).end()
}

function cut(_: unknown, response: ServerResponse): void {
  response.writeHead(200, { 'content-length': '1000' })
  response.write('ok', () => response.destroy())
}

function endless(_: unknown, response: ServerResponse): void {
  const chunk = Buffer.alloc(65_536, 'x')
  // Node 26 goes on calling back for a connection that is gone, without ever letting a timer run.
  const more = (error?: Error | null): void => {
    if (!error && response.socket?.writable)
      response.write(chunk, (failed) => setImmediate(more, failed))
  }
  more()
}
