import { ROUTES } from '@keyrack/protocol'
import { mintApiKey, type Secret } from '@keyrack/secrets'
import {
  bytesOf,
  type GeneratedRequest,
  generatedRequest,
  readAnswers,
  sendBytes,
} from '@keyrack/server/testing'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { credential } from '../testing/raw-stream.ts'
import { shareTestRack } from '../testing/start-test-rack.ts'

const rack = shareTestRack()

const NOT_BUILT = 501
/** A log is followed until its reader leaves, and these wait for an end. */
const ENDING = ROUTES.filter(({ name }) => name !== 'system.logs')

/** What needs no key: probes, and a nonce to sign for a Console that has lost the key. */
const OPEN = /^\/(?:check|livez|readyz|system\/key\/challenge)(?:\?|\s*$)/

async function check(request: GeneratedRequest, key: Secret | undefined): Promise<number> {
  const { port, lines } = rack()
  const { Authorization = '' } = key === undefined ? {} : credential(key)
  const credentials = key === undefined ? [] : [`Authorization: ${Authorization}`]
  const text = await sendBytes(port, bytesOf(request, ['Host: localhost', ...credentials]), true)
  // Of a line that is no HTTP nobody knows the method, so its answer has a body.
  const method = text.includes('not a valid HTTP request') ? 'GET' : request.method
  const [answer, ...more] = readAnswers(text, [method])
  expect(more).toEqual([])
  const { status = 0, body = '' } = answer ?? {}
  expect(status < 500 || status === NOT_BUILT, `${status} ${text.slice(0, 500)}`).toBe(true)
  const logged = lines.splice(0).join('\n')
  for (const secret of [rack().key, ...(key === undefined ? [] : [key])]) {
    expect(`${text}${logged}`).not.toContain(secret.reveal())
    expect(`${text}${logged}`).not.toContain(
      Authorization.slice('Basic '.length) || secret.reveal(),
    )
  }
  // A route that is not there is an empty 404, for official clients.
  if (status >= 400 && body !== '') {
    expect(JSON.parse(body)).toMatchObject({
      error: expect.stringMatching(/^[^%]+$/),
      code: expect.any(String),
      request_id: expect.stringMatching(/^[\w.-]{8,64}$/),
    })
  } else if (status >= 400 && request.method !== 'HEAD') expect([404, 417]).toContain(status)
  return status
}

describe('any request at all, to a Rack', () => {
  it('is answered or refused in our words, with its key, another and none, and never fails it', async () => {
    const { key, client, instanceIds } = rack()
    const before = await instanceIds()
    const keys = fc.constantFrom(key, key, key, mintApiKey('rack'), undefined)
    const asked = fc.array(fc.tuple(generatedRequest(ENDING), keys), { minLength: 1, maxLength: 2 })
    const statuses: number[] = []
    await fc.assert(
      fc.asyncProperty(asked, async (batch) => {
        const results = await Promise.all(batch.map(([request, with_]) => check(request, with_)))
        statuses.push(...results)
        for (const [index, [request, with_]] of batch.entries()) {
          // Without the key of the Rack nothing is done; a stream says so inside.
          const open = OPEN.test(request.target)
          if (with_ !== key && !open && !request.socket) {
            expect(results[index]).toBeGreaterThanOrEqual(400)
          }
        }
      }),
      { numRuns: 80 },
    )
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(0)
    expect(statuses.filter((status) => status === 401).length).toBeGreaterThan(0)
    // All that ran before still runs, and nothing was changed by what was refused.
    expect(await instanceIds()).toEqual(before)
    expect((await client().request('GET', '/system')).status).toBe(200)
  })
})
