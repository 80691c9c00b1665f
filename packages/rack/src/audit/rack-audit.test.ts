import {
  type ActorStatement,
  type RackAction,
  RackActions,
  signActor,
} from '@keyrack/protocol/audit'
import { generateSigningKey, type SigningKeyPair } from '@keyrack/secrets'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ask } from '../testing/ask.ts'
import { credential, openRawStream } from '../testing/raw-stream.ts'
import { startTestRack, type TestRack } from '../testing/start-test-rack.ts'

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

async function register(rack: TestRack, pair: SigningKeyPair, takeOver = '0') {
  const body = new URLSearchParams({
    ...{ console: 'console-1', public_key: pair.publicKey, take_over: takeOver },
  }).toString()
  const said = await ask(rack.port, 'POST /system/key/register', {
    key: rack.key,
    body,
    headers: FORM,
  })
  expect(said.status).toBe(200)
}

async function registeredRack() {
  const rack = await startTestRack()
  const pair = generateSigningKey()
  await register(rack, pair)
  let sequence = 0
  const statement = (over: Partial<ActorStatement> = {}): ActorStatement => ({
    ...{ console: 'console-1', rack: rack.rackId, actor: 'ann@example.com' },
    ...{ target: 'PUT /system', request: 'request-0001' },
    row: { chain: 'o-1', sequence: ++sequence, hash: 'a'.repeat(64) },
    ...over,
  })
  const put = (header?: string, id = 'request-0001') => {
    const actor = header === undefined ? {} : { 'keyrack-actor': header }
    const headers = { ...FORM, 'request-id': id, ...actor }
    return ask(rack.port, 'PUT /system', { key: rack.key, body: 'count=3', headers })
  }
  return { rack, pair, statement, put }
}

async function actions(rack: TestRack, after = 0): Promise<RackAction[]> {
  const said = await ask(rack.port, `GET /system/audit?after=${after}`, { key: rack.key })
  return RackActions.parse(JSON.parse(said.body)).actions
}

describe('what was done on a Rack', () => {
  it('is on record with the person whom the Console signed for, and how it ended', async () => {
    const { rack, pair, statement, put } = await registeredRack()
    const said = statement()
    const header = signActor(said, pair.privateKey)
    expect((await put(header)).status).toBe(200)
    const [registered, done] = await actions(rack)
    expect(registered).toMatchObject({ actor: null, action: 'key.register', outcome: 'succeeded' })
    expect(done).toEqual({
      ...{ id: 2, at: expect.any(Number), request_id: 'request-0001', actor: 'ann@example.com' },
      ...{ action: 'system.update', target: 'PUT /system', address: '127.0.0.1' },
      ...{ credential: expect.stringMatching(/^key [\w-]+$/), outcome: 'succeeded', status: 200 },
      ...{ statement: header, row: said.row },
    })
  })

  it('says so when the key itself was used, and when it failed', async () => {
    const { rack } = await registeredRack()
    await ask(rack.port, 'PUT /system', { key: rack.key, body: 'count=x', headers: FORM })
    expect((await actions(rack)).at(-1)).toMatchObject({
      ...{ actor: null, statement: null, row: null, outcome: 'failed', status: 422 },
    })
  })

  it('has no reads in it', async () => {
    const { rack } = await registeredRack()
    const before = (await actions(rack)).length
    await ask(rack.port, 'GET /instances', { key: rack.key })
    expect(await actions(rack)).toHaveLength(before)
  })

  it('has the streams that run something in it', async () => {
    const { rack, pair, statement } = await registeredRack()
    const [instance] = await rack.instanceIds()
    const path = `/instances/${instance}/shell`
    const header = signActor(statement({ target: `GET ${path}` }), pair.privateKey)
    const stream = await openRawStream(rack.port, path, {
      ...credential(rack.key),
      ...{ Command: 'true', 'Request-Id': 'request-0001', 'Keyrack-Actor': header },
    })
    await stream.ended
    expect((await actions(rack)).at(-1)).toMatchObject({
      ...{ actor: 'ann@example.com', action: 'instances.shell', target: `GET ${path}` },
    })
  })

  it('is read in parts, and only what is there', async () => {
    const { rack, put } = await registeredRack()
    for (let count = 0; count < 3; count++) await put()
    expect((await actions(rack, 2)).map(({ id }) => id)).toEqual([3, 4])
    expect(await actions(rack, 99)).toEqual([])
    const bad = await ask(rack.port, 'GET /system/audit?after=-1', { key: rack.key })
    expect([bad.status, JSON.parse(bad.body).field]).toEqual([422, 'after'])
  })

  it('after a crash says of what was under way that it is not known', async () => {
    const { rack } = await registeredRack()
    const { dataDir, key } = rack
    await rack.stop()
    const again = await startTestRack({ dataDir, key })
    onTestFinished(() => again.stop())
    expect((await actions(again)).map(({ outcome }) => outcome)).toEqual(['succeeded'])
  })
})

describe('an actor that the Console did not sign', () => {
  const forged = 'not signed by the Console'
  it('ends the request before anything happens', async () => {
    const { rack, pair, statement, put } = await registeredRack()
    const sign = (over: Partial<ActorStatement>) => signActor(statement(over), pair.privateKey)
    const stranger = generateSigningKey()
    const used = sign({})
    expect((await put(used)).status).toBe(200)
    const before = await actions(rack)
    const cases: Record<string, string> = {
      'a plain name': 'eve@example.com',
      empty: '',
      'another key': signActor(statement(), stranger.privateKey),
      'another Console': sign({ console: 'console-2' }),
      'another Rack': sign({ rack: 'another' }),
      'another request': sign({ request: 'request-0002' }),
      'another act': sign({ target: 'DELETE /instances/i-1' }),
      'used before': used,
      'two of them': `${sign({})}, ${sign({})}`,
    }
    for (const [what, header] of Object.entries(cases)) {
      const said = await put(header)
      expect([what, said.status]).toEqual([what, 403])
      expect(JSON.parse(said.body).error).toContain(forged)
    }
    // A read with a forged actor is refused as well, so that nobody learns what works.
    const read = await ask(rack.port, 'GET /instances', {
      key: rack.key,
      headers: { 'keyrack-actor': 'eve' },
    })
    expect(read.status).toBe(403)
    expect(await actions(rack)).toEqual(before)
  })

  it('is refused in a stream, too', async () => {
    const { rack } = await registeredRack()
    const [instance] = await rack.instanceIds()
    const stream = await openRawStream(rack.port, `/instances/${instance}/shell`, {
      ...credential(rack.key),
      ...{ Command: 'echo in', 'Keyrack-Actor': 'eve' },
    })
    await stream.ended
    const text = Buffer.concat(stream.frames.map(({ payload }) => payload)).toString('utf8')
    expect(text).toContain(forged)
  })

  it('counts for nothing before a Console has registered, and after another took over', async () => {
    const rack = await startTestRack()
    const pair = generateSigningKey()
    const headers = { ...FORM, 'request-id': 'request-0001' }
    const put = (header: string) =>
      ask(rack.port, 'PUT /system', {
        ...{ key: rack.key, body: 'count=3', headers: { ...headers, 'keyrack-actor': header } },
      })
    const statement: ActorStatement = {
      ...{ console: 'console-1', rack: rack.rackId, actor: 'ann@example.com' },
      ...{ target: 'PUT /system', request: 'request-0001' },
      row: { chain: 'o-1', sequence: 1, hash: 'a'.repeat(64) },
    }
    const header = signActor(statement, pair.privateKey)
    expect((await put(header)).status).toBe(200)
    expect((await actions(rack)).at(-1)?.actor).toBeNull()
    await register(rack, pair)
    await register(rack, generateSigningKey(), '1')
    expect((await put(header)).status).toBe(403)
  })
})
