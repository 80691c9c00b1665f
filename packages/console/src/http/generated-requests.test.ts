import {
  type ApiRoute,
  bytesOf,
  type GeneratedRequest,
  generatedApiRequest,
  readAnswers,
  sendBytes,
} from '@keyrack/server/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createDeployKey } from '../deploy-keys/create-deploy-key.ts'
import { entry, invited, REQUEST } from '../testing/console-domain.ts'
import { basic, shareFounded } from './testing/serve-console.ts'

const SECRET = 'a-secret-that-nobody-may-repeat'
const organization = 'acme'
/** Nothing listens there, and no other machine is asked for a name. */
const host = '127.0.0.1:1'

const API: readonly ApiRoute[] = [
  {
    line: 'POST /api/sign-up',
    fields: { email: 'x@example.com', password: SECRET, organization, invitation: SECRET },
  },
  { line: 'POST /api/sign-in', fields: { email: 'x@example.com', password: SECRET } },
  { line: 'POST /api/sign-out' },
  { line: 'GET /api/account' },
  { line: 'GET /api/racks' },
  {
    line: 'POST /api/racks',
    fields: { organization, name: 'new', host, key: SECRET, fingerprint: '0'.repeat(64) },
  },
  { line: 'PATCH /api/racks/{}/{}', fields: { name: 'other' } },
  { line: 'DELETE /api/racks/{}/{}' },
  {
    line: 'POST /api/racks/{}/{}/trust',
    fields: { fingerprint: '0'.repeat(64), password: SECRET },
  },
  {
    line: 'POST /api/invitations',
    fields: { email: 'y@example.com', organization, role: 'viewer' },
  },
  { line: 'POST /api/invitations/accept', fields: { invitation: SECRET, organization } },
  { line: 'GET /api/organizations/{}/members' },
  { line: 'PUT /api/organizations/{}/members/{}', fields: { role: 'viewer' } },
  { line: 'PUT /api/organizations/acme/members/{}', fields: { role: 'viewer' } },
  { line: 'DELETE /api/organizations/acme/members/{}' },
  { line: 'GET /api/organizations/{}/deploy-keys' },
  {
    line: 'POST /api/organizations/acme/deploy-keys',
    fields: { name: 'ci', expires_in_days: '1' },
  },
  { line: 'DELETE /api/organizations/acme/deploy-keys/{}' },
  { line: 'GET /api/no/such/{}' },
  // Of the protocol, but the Console's own.
  { line: 'GET /racks' },
  { line: 'GET /racks/{}/{}' },
  { line: 'PUT /racks/{}/{}' },
  { line: 'GET /auth' },
  { line: 'POST /switch', fields: { rack: 'acme/dev' } },
]

const shared = shareFounded()
let keys: string[] = []

beforeAll(async () => {
  const { domain, account, key } = shared()
  const viewer = await invited(domain, account, 'bob@example.com', 'viewer')
  const wanted = { organization, name: 'known', expiresInDays: null }
  const made = await createDeployKey(domain, entry(domain, account.id), wanted, REQUEST)
  keys = [key, viewer.apiKey.reveal(), made.key.reveal()]
})

interface Asked {
  request: GeneratedRequest
  who: number
}

async function check({ request, who }: Asked): Promise<number> {
  const { port, domain } = shared()
  const key = keys[who]
  const credentials = key === undefined ? [] : [`Authorization: ${basic(key)}`]
  const text = await sendBytes(port, bytesOf(request, ['Host: localhost', ...credentials]))
  const [answer, ...more] = readAnswers(text, [request.method])
  expect(more).toEqual([])
  const { status = 0, body = '' } = answer ?? {}
  const what = `${request.method} ${request.target.slice(0, 200)}: ${text.slice(0, 500)}`
  // A Rack that is to be added may be down: it is, where our requests ask for one.
  const isAboutRack = request.target.startsWith('/api/racks') && (status === 502 || status === 503)
  expect(status < 500 || status === 501 || isAboutRack, what).toBe(true)
  const logged = domain.lines.splice(0).join('\n')
  for (const secret of [SECRET, ...keys]) {
    expect(`${text}${logged}`).not.toContain(secret)
    expect(`${text}${logged}`).not.toContain(basic(secret).slice('Basic '.length))
  }
  // A line that is no HTTP ends its connection; an unknown path of the protocol is an empty 404.
  const bare = !/^x-request-id:/im.test(text) || (status === 404 && body === '')
  if (status >= 400 && !bare) {
    const said = JSON.parse(body)
    expect(said, what).toMatchObject({
      error: expect.stringMatching(/^[^%\p{Cc}]+$/u),
      code: expect.any(String),
      request_id: expect.stringMatching(/^[0-9a-f]{12}$/),
    })
    if (status === 422) expect(said.field, what).toEqual(expect.stringMatching(/^[\w.-]+$/))
  }
  return status
}

describe('any request at all, to the API of the Console', () => {
  it('is answered, or refused with a text, a code, a request id and the field it is about', async () => {
    const asked = fc.record({
      request: generatedApiRequest(API),
      who: fc.constantFrom(0, 0, 0, 1, 2, 3),
    })
    const statuses: number[] = []
    await fc.assert(
      fc.asyncProperty(fc.array(asked, { minLength: 1, maxLength: 2 }), async (batch) => {
        statuses.push(...(await Promise.all(batch.map(check))))
      }),
      { numRuns: 120 },
    )
    const refused = statuses.filter((status) => status === 422)
    expect(refused.length).toBeGreaterThan(10)
    // And it serves on, the same people as before.
    const { ask, key } = shared()
    expect((await ask('/api/account', { key })).status).toBe(200)
  })
})
