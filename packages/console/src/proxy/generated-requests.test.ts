import { ROUTES } from '@keyrack/protocol'
import {
  bytesOf,
  type GeneratedRequest,
  generatedRequest,
  readAnswers,
  sendBytes,
} from '@keyrack/server/testing'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { createDeployKey } from '../deploy-keys/create-deploy-key.ts'
import type { Role } from '../directory.ts'
import { RACK_KEY, shareRecorded } from '../http/testing/recorded-console.ts'
import { basic } from '../http/testing/serve-console.ts'
import { entry, invited, REQUEST } from '../testing/console-domain.ts'
import { isOnRecord, mayDo } from './testing/expected-rights.ts'

const shared = shareRecorded()
let [bobsKey, deployKey, count] = ['', '', 0]

beforeAll(async () => {
  const { domain, account, ask, rack } = shared()
  const bob = await invited(domain, account, 'bob@example.com', 'administrator')
  bobsKey = bob.apiKey.reveal()
  const wanted = { organization: 'acme', name: 'ci', expiresInDays: null }
  const made = await createDeployKey(domain, entry(domain, account.id), wanted, REQUEST)
  deployKey = made.key.reveal()
  // Deploy keys use no Rack of this machine. This one is elsewhere, as far as anybody knows; the
  // guard of addresses finds out when everything else has been allowed.
  await domain.commit((tx) =>
    tx.updateTable('racks').set({ loopback_at: null }).where('name', '=', 'lab').execute(),
  )
  const { key } = shared()
  const there = { authorization: basic(key), rack: 'acme/lab' }
  expect((await ask('/instances', { headers: there })).status).toBe(502)
  rack.reset()
})

/** As the table of paths of the Console says: these are its own. */
const OWN =
  /^\/(?:api|auth|check|livez|login\/u2f|machines|organizations|racks|readyz|session|switch|token)(?:\/|$)/
const SETS_RACK_KEY = /^(?:PUT \/system|POST \/apps\/[^/]+\/parameters)$/
const PRINTABLE = /^\/[\x21-\x7e]*$/

async function makeLocal(local: boolean): Promise<void> {
  const loopback_at = local ? 1 : null
  await shared().domain.commit((tx) =>
    tx.updateTable('racks').set({ loopback_at }).where('name', '=', 'lab').execute(),
  )
}

async function rowsOf(requestId: string) {
  const rows = await shared()
    .domain.store.db.selectFrom('audit')
    .select(['phase', 'action', 'status'])
    .where('request_id', '=', requestId)
    .orderBy('sequence')
    .execute()
  return rows.map(({ phase }) => phase)
}

interface Outcome {
  status: number
  /** The request line at the Rack. */
  reached: string | undefined
}

/** Sends it and checks what holds whoever it is; the answer is what became of it. */
async function send(generated: GeneratedRequest, key: string): Promise<Outcome> {
  const { rack, port, domain, key: adasKey } = shared()
  count += 1
  const requestId = `generated-${count}`
  const lines = ['Host: localhost', `Authorization: ${basic(key)}`, 'Rack: acme/lab']
  const bytes = bytesOf(generated, [...lines, `X-Request-Id: ${requestId}`])
  const text = await sendBytes(port, bytes)

  const [answer, ...more] = readAnswers(text, [generated.method])
  expect(more).toEqual([])
  const { status = 0, body = '' } = answer ?? {}
  const arrived = rack.requests.filter(({ headers }) =>
    headers.some(([name, value]) => name === 'request-id' && value === requestId),
  )
  expect(arrived.length).toBeLessThanOrEqual(1)
  expect(rack.violations).toEqual([])
  const [request] = arrived
  const line = `${generated.method} ${generated.target.trimEnd().split('?')[0]}`
  const wanted = generated.socket ? line.replace('GET ', 'SOCKET ') : line
  // What is refused is refused in our words; but a line that is no HTTP, by Node in its own.
  if (status >= 400 && body !== '' && /^x-request-id:/im.test(text)) {
    expect(JSON.parse(body)).toMatchObject({
      error: expect.stringMatching(/^[^%]+$/),
      code: expect.any(String),
      request_id: requestId,
    })
  }
  if (status >= 500) expect([501, 502, 503, 504]).toContain(status)
  // Nobody's key is in an answer, nor in the log.
  const seen = `${text}\n${domain.lines.splice(0).join('\n')}`
  for (const secret of [RACK_KEY, adasKey, bobsKey, deployKey]) {
    expect(seen).not.toContain(secret)
    expect(seen).not.toContain(basic(secret).slice('Basic '.length))
  }
  // Forwarded as it was written, on the one spelling of its path, with the key of the Rack.
  const rows = await rowsOf(requestId)
  if (request !== undefined) {
    const path = request.line.split(' ')[1]?.split('?')[0] ?? ''
    expect(path).toMatch(PRINTABLE)
    expect(path).not.toMatch(
      /\/\/|\/\.{1,2}(?:\/|$)|%2f|%5c|%[01][0-9a-f]|%7f|%4[1-9a-f]|%6[1-9a-f]/i,
    )
    const target = generated.socket ? generated.target.split('?')[0] : generated.target
    // Spaces before the version belong to no target, and a question mark alone is no query.
    expect(request.line).toBe(
      `${generated.method} ${target?.trimEnd()}`.replace(/^([^?]*)\?$/, '$1'),
    )
    expect(path).not.toMatch(OWN)
    if (SETS_RACK_KEY.test(line)) expect(request.body).not.toMatch(/password/i)
    const credentials = request.headers.filter(([name]) => name === 'authorization')
    expect(credentials).toEqual([['authorization', basic(RACK_KEY)]])
    expect(rows).toEqual(isOnRecord(wanted) ? ['started', 'finished'] : [])
  } else if (status < 500 && status !== 101) {
    expect(rows).toEqual([])
  } else {
    expect([[], ['started', 'finished']]).toContainEqual(rows)
  }
  return { status, reached: request?.line }
}

/** Also two at once, so that nothing of one is found in the other. */
const batches = fc.array(generatedRequest(ROUTES), { minLength: 1, maxLength: 2 })
const lineOf = ({ method, target, socket }: GeneratedRequest) =>
  `${socket ? 'SOCKET' : method} ${target.trimEnd().split('?')[0]}`

describe('any request at all, through the Console', () => {
  it.each<Role>(['administrator', 'operator', 'developer', 'viewer'])(
    'reaches the Rack in one form, with its key, when the role of the %s allows it, on record',
    async (role) => {
      const { ask, key, rack, account } = shared()
      await makeLocal(true)
      const path = `/api/organizations/acme/members/${account.id}`
      const changed = await ask(path, { method: 'PUT', key: bobsKey, body: { role } })
      expect(changed.status, changed.text).toBe(200)
      let forwarded = 0
      await fc.assert(
        fc.asyncProperty(batches, async (batch) => {
          rack.reset()
          const outcomes = await Promise.all(batch.map((request) => send(request, key)))
          for (const [index, { reached, status }] of outcomes.entries()) {
            const request = batch[index]
            if (request === undefined) continue
            if (reached !== undefined) {
              forwarded += 1
              expect(mayDo(role, lineOf(request)), `${role}: ${lineOf(request)}`).toBe(true)
            } else if (status === 403 && !OWN.test(request.target)) {
              const guarded = SETS_RACK_KEY.test(lineOf(request))
              const foreign = request.headers.some(([name]) => name === 'Origin')
              expect(guarded || foreign || !mayDo(role, lineOf(request))).toBe(true)
            }
          }
        }),
        { numRuns: 60 },
      )
      // Nothing would have been shown, had nothing got through.
      expect(forwarded).toBeGreaterThan(3)
    },
  )

  it('does nothing for a deploy key but what its commands call', async () => {
    const { rack } = shared()
    await makeLocal(false)
    let allowed = 0
    await fc.assert(
      fc.asyncProperty(batches, async (batch) => {
        rack.reset()
        const outcomes = await Promise.all(batch.map((request) => send(request, deployKey)))
        for (const [index, { reached, status }] of outcomes.entries()) {
          const request = batch[index]
          if (request === undefined) continue
          expect(reached).toBeUndefined()
          // The guard of addresses: the last thing before the Rack itself.
          if (status === 502) {
            allowed += 1
            expect(mayDo('deploy-key', lineOf(request)), lineOf(request)).toBe(true)
          }
        }
      }),
      { numRuns: 60 },
    )
    expect(allowed).toBeGreaterThan(0)
  })
})
