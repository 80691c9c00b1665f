import { KeyStatus, RetiredKey, StagedKey } from '@keyrack/protocol/key-resources'
import { hashApiKey, mintApiKey, type Secret } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import { credential, openRawStream } from '../testing/raw-stream.ts'
import { shareTestRack, startTestRack, type TestRack } from '../testing/start-test-rack.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'

const FORM = 'application/x-www-form-urlencoded'
const shared = shareTestRack()

function say(
  { port }: Pick<TestRack, 'port'>,
  key: Secret,
  act: string,
  fields: Record<string, string> | string,
) {
  const body = typeof fields === 'string' ? fields : new URLSearchParams(fields).toString()
  return ask(port, `POST /system/key/${act}`, { key, body, headers: { 'content-type': FORM } })
}

async function statusOf({ port }: Pick<TestRack, 'port'>, key: Secret) {
  const said = await ask(port, 'GET /system/key', { key })
  expect(said.status).toBe(200)
  return KeyStatus.parse(JSON.parse(said.body))
}

const HASH = hashApiKey(mintApiKey('rack'))
const STAGE = { roll: 'roll-0001', hash: HASH, copy: '' }
const RETIRE = {
  roll: 'roll-0001',
  keep: HASH,
  drop: hashApiKey(mintApiKey('rack')),
  not_after: '0',
}
const REGISTER = { console: 'console-1', public_key: 'A'.repeat(43), take_over: '0' }

describe('a wrong argument is refused by its name, and changes nothing', () => {
  it.each([
    ['stage', { ...STAGE, roll: '' }, 'roll'],
    ['stage', { ...STAGE, roll: 'seven77' }, 'roll'],
    ['stage', { ...STAGE, roll: 'x'.repeat(65) }, 'roll'],
    ['stage', { ...STAGE, roll: 'roll-000ß' }, 'roll'],
    ['stage', { ...STAGE, roll: 'roll-0001\n' }, 'roll'],
    ['stage', { ...STAGE, hash: '' }, 'hash'],
    ['stage', { ...STAGE, hash: HASH.toUpperCase() }, 'hash'],
    ['stage', { ...STAGE, hash: `${HASH}\n` }, 'hash'],
    ['stage', { ...STAGE, hash: mintApiKey('rack').reveal() }, 'hash'],
    ['stage', { ...STAGE, hash: hashApiKey('') }, 'hash'],
    ['stage', { ...STAGE, hash: hashApiKey('****') }, 'hash'],
    ['stage', { ...STAGE, copy: 'x'.repeat(4097) }, 'copy'],
    ['stage', { ...STAGE, copy: 'krs1\u0000' }, 'copy'],
    ['stage', { ...STAGE, copy: 'größer' }, 'copy'],
    ['stage', { ...STAGE, key: 'x' }, 'key'],
    ['stage', `roll=roll-0001&roll=roll-0002&hash=${HASH}&copy=`, 'roll'],
    ['stage', '', 'roll'],
    ['unstage', { roll: '../../etc' }, 'roll'],
    ['unstage', { ...STAGE }, 'hash'],
    ['unstage', '', 'roll'],
    ['retire', { ...RETIRE, roll: 'x' }, 'roll'],
    ['retire', { ...RETIRE, keep: 'x' }, 'keep'],
    ['retire', { ...RETIRE, drop: '' }, 'drop'],
    ['retire', { ...RETIRE, drop: HASH }, 'drop'],
    ['retire', { ...RETIRE, not_after: '' }, 'not_after'],
    ['retire', { ...RETIRE, not_after: '-1' }, 'not_after'],
    ['retire', { ...RETIRE, not_after: '1e3' }, 'not_after'],
    ['retire', { ...RETIRE, not_after: '1.5' }, 'not_after'],
    ['retire', { ...RETIRE, not_after: '9'.repeat(16) }, 'not_after'],
    ['retire', { ...RETIRE, not_after: '999999999999999' }, 'not_after'],
    ['register', { ...REGISTER, console: '' }, 'console'],
    ['register', { ...REGISTER, console: 'a b' }, 'console'],
    ['register', { ...REGISTER, console: 'x'.repeat(65) }, 'console'],
    ['register', { ...REGISTER, public_key: 'short' }, 'public_key'],
    ['register', { ...REGISTER, take_over: 'yes' }, 'take_over'],
  ] as const)('%s %j: %s', async (act, fields, field) => {
    const before = await statusOf(shared(), shared().key)
    const said = await say(shared(), shared().key, act, fields)
    expect([said.status, JSON.parse(said.body).field]).toEqual([422, field])
    expect(said.body).not.toContain('%')
    const { uses: _, ...after } = await statusOf(shared(), shared().key)
    expect(before).toMatchObject(after)
  })

  it('and a body that is no form, or far too large', async () => {
    const { port, key } = shared()
    const headers = { 'content-type': 'application/json' }
    const json = await ask(port, 'POST /system/key/stage', { key, headers, body: '{}' })
    expect(json.status).toBe(415)
    const huge = await say(shared(), key, 'stage', { ...STAGE, copy: 'x'.repeat(1024 * 1024) })
    expect(huge.status).toBe(413)
  })

  it.each(['stage', 'unstage', 'retire', 'register'])(
    '%s without a key is nobody, whatever it says',
    async (act) => {
      const said = await say(shared(), mintApiKey('rack'), act, STAGE)
      expect([said.status, JSON.parse(said.body).error]).toEqual([401, 'invalid authentication'])
    },
  )
})

describe('the generation of the key', () => {
  it('is in each answer to somebody the Rack knows, errors and streams too, and in no other', async () => {
    const { port, key } = shared()
    const header = 'keyrack-key-generation'
    for (const line of [
      'GET /auth',
      'GET /apps',
      'DELETE /instances/i-none',
      'POST /system/key/stage',
    ]) {
      expect((await ask(port, line, { key })).headers[header], line).toBe('1')
      const stranger = await ask(port, line, { key: mintApiKey('rack') })
      expect(stranger.headers[header], line).toBeUndefined()
    }
    const known = await openRawStream(port, '/system/logs', credential(key))
    expect(known.head).toMatch(/\r\nkeyrack-key-generation: 1(\r\n|$)/)
    const unknown = await openRawStream(port, '/system/logs', credential(mintApiKey('rack')))
    expect(unknown.head).toMatch(/^HTTP\/1\.1 101 /)
    expect(unknown.head).not.toMatch(/keyrack-key-generation/)
    await unknown.until(({ text }) => text.includes('ERROR: invalid authentication'))
  })
})

describe('a whole roll over HTTPS', () => {
  it('loses no request and no stream, is told in the log, and outlives a restart', async () => {
    const dataDir = temporaryFolder()
    const rack = await startTestRack({ dataDir })
    const [k0, k1] = [rack.key, mintApiKey('rack')]
    const roll = 'a-roll-of-one-day'
    // A stream that was let in with the old key.
    const logs = await openRawStream(rack.port, '/system/logs', {
      ...credential(k0),
      Follow: 'true',
    })
    const staged = await say(rack, k0, 'stage', { roll, hash: hashApiKey(k1), copy: 'sealed' })
    expect(StagedKey.parse(JSON.parse(staged.body))).toEqual({
      roll,
      generation: 1,
      state: 'staged',
    })
    expect((await statusOf(rack, k1)).authenticated_by).toBe('staged')
    expect((await statusOf(rack, k0)).authenticated_by).toBe('current')

    const notAfter = Date.now() + 3_600_000
    const fields = { roll, keep: hashApiKey(k1), drop: hashApiKey(k0), not_after: String(notAfter) }
    const retired = await say(rack, k1, 'retire', fields)
    expect(RetiredKey.parse(JSON.parse(retired.body))).toEqual({
      ...{ roll, generation: 2, state: 'ending', not_after: notAfter },
    })
    expect(retired.headers['keyrack-key-generation']).toBe('2')
    const headers = { 'user-agent': 'an old script/1.0\u00a0' }
    expect((await ask(rack.port, 'GET /auth', { key: k0, headers })).status).toBe(200)
    const { uses, ending } = await statusOf(rack, k1)
    expect(ending).toMatchObject({ roll, not_after: notAfter })
    expect(uses.find(({ client }) => client.startsWith('an old script'))).toMatchObject({
      ...{ key: 'ending', address: '127.0.0.1', client: 'an old script/1.0?', count: 1 },
    })

    const end = await say(rack, k1, 'retire', { ...fields, not_after: '0' })
    expect(JSON.parse(end.body)).toMatchObject({ state: 'retired', not_after: null })
    expect((await ask(rack.port, 'GET /auth', { key: k0 })).status).toBe(401)
    await logs.until(({ text }) => text.includes(`${roll} ended the old key`))
    await rack.stop()

    const again = await startTestRack({ dataDir, key: k0 })
    expect((await ask(again.port, 'GET /auth', { key: k0 })).status).toBe(401)
    expect(await statusOf(again, k1)).toMatchObject({
      ...{ generation: 2, staged: null, ending: null, authenticated_by: 'current' },
      last_roll: { roll, state: 'retired' },
    })
    for (const secret of [k0.reveal(), k1.reveal(), hashApiKey(k0), hashApiKey(k1)]) {
      expect(`${rack.lines.join()} ${logs.text}`).not.toContain(secret)
    }
  })
})

describe('PUT /system and the parameters of gen1', () => {
  it('do not change the key, also for who holds it, and name what does', async () => {
    const { port, key } = shared()
    const headers = { 'content-type': FORM }
    for (const [line, body] of [
      ['PUT /system', 'parameters=Password%3Dnewpw'],
      ['POST /apps/dev/parameters', 'Password=newpw'],
    ] as const) {
      const said = await ask(port, line, { key, headers, body })
      expect([said.status, JSON.parse(said.body)]).toMatchObject([
        422,
        { field: 'Password', error: expect.stringContaining('convox rack key roll') },
      ])
    }
  })
})
