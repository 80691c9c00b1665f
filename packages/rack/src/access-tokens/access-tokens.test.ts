import { ROUTES } from '@keyrack/protocol'
import { AccessTokens } from '@keyrack/protocol/key-resources'
import { mintApiKey, mintTokenKey, signAccessToken } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { ask } from '../testing/ask.ts'
import { openRawStream } from '../testing/raw-stream.ts'
import { shareTestRack, startTestRack, type TestRack } from '../testing/start-test-rack.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { TestClock } from '../testing/test-clock.ts'

const HOUR = 3_600_000
const shared = shareTestRack()

type Port = Pick<TestRack, 'port'>

function basic(user: string, password: string): Record<string, string> {
  const userinfo = Buffer.from(`${user}:${password}`).toString('base64')
  return { authorization: `Basic ${userinfo}` }
}

function withToken({ port }: Port, token: string, line: string, body?: string) {
  const headers = { ...basic('jwt', token), 'content-type': 'application/x-www-form-urlencoded' }
  return ask(port, line, body === undefined ? { headers } : { headers, body })
}

function create({ port, key }: TestRack, form: string, by = key) {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  return ask(port, 'POST /system/jwt/token', { key: by, headers, body: form })
}

async function mint(rack: TestRack, role: 'read' | 'write', hours = 1): Promise<string> {
  const said = await create(rack, `role=${role}&durationInHour=${hours}`)
  expect(said.status).toBe(200)
  return JSON.parse(said.body).token
}

function claimsOf(token: string): Record<string, unknown> {
  return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
}

async function listed({ port, key }: TestRack) {
  const said = await ask(port, 'GET /system/jwt/tokens', { key })
  return AccessTokens.parse(JSON.parse(said.body))
}

function errorOf({ body }: { body: string }): string {
  return JSON.parse(body).error
}

describe('making an access token', () => {
  it('gives one with the claims of official Racks, and an id and an end that all can read', async () => {
    for (const [role, claims] of [
      ['read', { user: 'system-read', role: 'r' }],
      ['write', { user: 'system-write', role: 'rw' }],
    ] as const) {
      const token = claimsOf(await mint(shared(), role, 8760))
      expect(token).toMatchObject(claims)
      expect(token.exp).toBe(token.expiresAt)
      expect(Number(token.exp) - Number(token.iat)).toBe(8760 * 3600)
      expect(await listed(shared())).toContainEqual(
        expect.objectContaining({ id: token.jti, role, expires_at: expect.any(Number) }),
      )
    }
  })

  it.each([
    ['', 'role'],
    ['role=admin&durationInHour=1', 'role'],
    ['role=&durationInHour=1', 'role'],
    ['role=READ&durationInHour=1', 'role'],
    ['role=read&role=write&durationInHour=1', 'role'],
    ['role=read', 'durationInHour'],
    ['role=read&durationInHour=0', 'durationInHour'],
    ['role=read&durationInHour=8761', 'durationInHour'],
    ['role=read&durationInHour=-1', 'durationInHour'],
    ['role=read&durationInHour=1.5', 'durationInHour'],
    ['role=read&durationInHour=1e3', 'durationInHour'],
    ['role=read&durationInHour=%31\u0000', 'durationInHour'],
    ['role=read&durationInHour=1&durationInHour=2', 'durationInHour'],
  ])('is refused for %j, naming %s, and makes none', async (form, field) => {
    const before = await listed(shared())
    const said = await create(shared(), form)
    expect([said.status, JSON.parse(said.body).field]).toEqual([422, field])
    expect(await listed(shared())).toEqual(before)
  })
})

describe('a read token', () => {
  it('reads, and neither changes anything nor runs code nor sees what holds secrets', async () => {
    const rack = shared()
    const token = await mint(rack, 'read')
    for (const path of ['/auth', '/system', '/instances', '/system/processes']) {
      expect((await withToken(rack, token, `GET ${path}`)).status, path).toBe(200)
    }
    for (const route of ROUTES.filter((one) => !one.socket && one.permission !== 'read')) {
      const line = `${route.method} ${route.path.replaceAll(/\{[^}]+\}/g, 'x')}`
      if (['key.challenge', 'key.recover'].includes(route.name)) continue
      const said = await withToken(rack, token, line)
      expect([401, 403], `${line}: ${said.status}`).toContain(said.status)
      expect(errorOf(said), line).toMatch(/you are unauthorized to access this|an access token is/)
    }
    const instances = await rack.instanceIds()
    await withToken(rack, token, `DELETE /instances/${instances[0]}`)
    expect(await rack.instanceIds()).toEqual(instances)
  })

  it('opens no shell, no exec and no proxy, and follows the log', async () => {
    const rack = shared()
    const { authorization = '' } = basic('jwt', await mint(rack, 'read'))
    const headers = { Authorization: authorization, Command: 'echo in' }
    const [id] = await rack.instanceIds()
    for (const path of [
      `/instances/${id}/shell`,
      `/instances/${id}/ssh`,
      '/apps/a/processes/p/exec',
      '/proxy/127.0.0.1/22',
    ]) {
      const stream = await openRawStream(rack.port, path, headers)
      await stream.ended
      expect(stream.text, path).toContain('ERROR: you are unauthorized to access this')
      expect(stream.text, path).not.toContain('in\n')
    }
    const log = await openRawStream(rack.port, '/system/logs', headers)
    await log.until(({ text }) => text.includes('the Rack started'))
  })
})

describe('a write token', () => {
  it('changes things and opens shells, but never touches keys or tokens', async () => {
    const rack = shared()
    const token = await mint(rack, 'write')
    expect((await withToken(rack, token, 'PUT /system', 'count=3')).status).toBe(200)
    const { authorization = '' } = basic('jwt', token)
    const [id] = await rack.instanceIds()
    const shell = await openRawStream(rack.port, `/instances/${id}/shell`, {
      ...{ Authorization: authorization, Command: 'echo inside' },
    })
    await shell.until(({ text }) => text.includes('inside'))
    for (const route of ROUTES.filter((one) => one.consoleOnly !== undefined)) {
      if (['key.challenge', 'key.recover'].includes(route.name)) continue
      const said = await withToken(
        rack,
        token,
        `${route.method} ${route.path.replace('{id}', 'x')}`,
      )
      expect([said.status, errorOf(said)], route.name).toEqual([
        403,
        expect.stringContaining('not good for keys or other tokens'),
      ])
    }
  })
})

describe('a token that is not accepted', () => {
  it('is refused with the official text once it is revoked, and the others go on', async () => {
    const rack = shared()
    const [gone, kept] = [await mint(rack, 'read'), await mint(rack, 'read')]
    const id = String(claimsOf(gone).jti)
    const revoke = () => ask(rack.port, `DELETE /system/jwt/tokens/${id}`, { key: rack.key })
    expect((await revoke()).status).toBe(200)
    const said = await withToken(rack, gone, 'GET /system')
    expect([said.status, errorOf(said)]).toEqual([401, 'invalid authentication: token is expired'])
    expect((await withToken(rack, kept, 'GET /system')).status).toBe(200)
    expect((await revoke()).status).toBe(404)
  })

  it('is signed by somebody else, or presented under another name, or is the key itself', async () => {
    const rack = shared()
    const token = await mint(rack, 'write')
    const forged = signAccessToken(mintTokenKey(), claimsOf(token)).reveal()
    for (const [user, password] of [
      ['jwt', forged],
      ['jwt', ''],
      ['jwt', 'x.y.z'],
      ['jwt', 'y'.repeat(10_000)],
      ['jwt', rack.key.reveal()],
      ['convox', token],
      ['', token],
      ['JWT', token],
    ] as const) {
      const headers = basic(user, password)
      const said = await ask(rack.port, 'GET /system', { headers })
      expect(said.status, `${user} ${password.slice(0, 10)}`).toBe(401)
      expect(errorOf(said)).toMatch(/^invalid authentication/)
    }
  })

  it('was made for somebody who has a token, or nobody: none is', async () => {
    const rack = shared()
    const { authorization = '' } = basic('jwt', await mint(rack, 'write'))
    const before = await listed(rack)
    const stranger = await create(rack, 'role=read&durationInHour=1', mintApiKey('rack'))
    expect(stranger.status).toBe(401)
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    const body = 'role=write&durationInHour=8760'
    expect((await ask(rack.port, 'POST /system/jwt/token', { headers, body })).status).toBe(403)
    expect(await listed(rack)).toEqual(before)
  })
})

describe('time and restarts', () => {
  it('a token ends on time, also when the clock is set back, and a new signing key ends all at once', async () => {
    const [dataDir, clock] = [temporaryFolder(), new TestClock()]
    const rack = await startTestRack({ dataDir, clock })
    const [short, long] = [await mint(rack, 'read', 1), await mint(rack, 'read', 24)]
    clock.pass(HOUR - 1)
    expect((await withToken(rack, short, 'GET /auth')).status).toBe(200)
    clock.set(-12 * HOUR)
    clock.pass(1)
    const over = await withToken(rack, short, 'GET /auth')
    expect([over.status, errorOf(over)]).toEqual([401, 'invalid authentication: token is expired'])
    expect((await listed(rack)).map(({ id }) => id)).toEqual([claimsOf(long).jti])
    await rack.stop()

    const again = await startTestRack({ dataDir, key: rack.key, clock })
    expect((await withToken(again, long, 'GET /auth')).status).toBe(200)
    const rotates = Array.from({ length: 3 }, () =>
      ask(again.port, 'PUT /system/jwt/rotate', { key: rack.key }),
    )
    for (const said of await Promise.all(rotates)) {
      expect([said.status, said.body]).toEqual([200, 'ok\n'])
    }
    const signed = await withToken(again, long, 'GET /auth')
    expect([signed.status, errorOf(signed)]).toEqual([
      401,
      'invalid authentication: signature is invalid',
    ])
    const fresh = await mint(again, 'read')
    expect((await withToken(again, fresh, 'GET /auth')).status).toBe(200)
    await again.stop()
    const third = await startTestRack({ dataDir, key: rack.key, clock })
    expect((await withToken(third, fresh, 'GET /auth')).status).toBe(200)
    expect((await withToken(third, long, 'GET /auth')).status).toBe(401)
    for (const token of [short, long, fresh]) {
      expect([rack, again, third].map(({ lines }) => lines.join()).join()).not.toContain(token)
    }
  })
})
