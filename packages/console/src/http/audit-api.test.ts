import {
  type AuditPage,
  type AuditRow,
  auditHeadText,
  ChainVerifier,
  verifyChain,
} from '@keyrack/protocol/audit'
import { signatureFits } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { invited } from '../testing/console-domain.ts'
import { type ServedConsole, serveFounded } from './testing/serve-console.ts'

const LIST = '/api/organizations/acme/audit'
const EXPORT = `${LIST}/export`

async function list(served: ServedConsole, key: string, query = ''): Promise<AuditPage> {
  const answer = await served.ask(`${LIST}${query}`, { key })
  expect(answer.status).toBe(200)
  return answer.json as AuditPage
}

async function lines(served: ServedConsole, key: string, query = ''): Promise<unknown[]> {
  const answer = await served.ask(`${EXPORT}${query}`, { key })
  expect(answer.headers['content-type']).toBe('application/x-ndjson')
  expect(answer.text.endsWith('\n')).toBe(true)
  return answer.text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line))
}

/** Ada, three deploy keys that she made, and one that she did not get. */
async function withHistory() {
  const served = await serveFounded()
  const { ask, key } = served
  for (const name of ['one', 'two', 'three', 'one']) {
    await ask('/api/organizations/acme/deploy-keys', { key, body: { name } })
  }
  return served
}

describe('the audit log of an organization', () => {
  it('lists the newest write first, with who, what, how it ended and from where', async () => {
    const served = await withHistory()
    const { entries, next } = await list(served, served.key)
    expect(next).toBeNull()
    expect(entries[0]).toEqual({
      ...{ sequence: expect.any(Number), at: expect.any(String), finished_at: expect.any(String) },
      ...{ actor: 'ada@example.com', action: 'deploy-key.create', target: 'three', rack: null },
      ...{ outcome: 'succeeded', status: 201, note: expect.any(String) },
      ...{ request_id: expect.any(String), address: '127.0.0.1' },
    })
    expect(entries.map(({ sequence }) => sequence)).toEqual(
      entries.map(({ sequence }) => sequence).toSorted((a, b) => b - a),
    )
  })

  it('is found by person, action and time, and page by page', async () => {
    const served = await withHistory()
    const actions = async (query: string) =>
      (await list(served, served.key, query)).entries.map(({ target }) => target)
    const keys = ['three', 'two', 'one']
    expect(await actions('?action=deploy-key.create')).toEqual(keys)
    expect(await actions('?action=deploy-key.*&user=ada%40example.com')).toEqual(keys)
    expect(await actions(`?action=deploy-key.*&user=${served.account.id}`)).toEqual(keys)
    expect(await actions('?user=bob%40example.com')).toEqual([])
    expect(await actions('?rack=dev')).toEqual(['acme/dev'])
    expect(await actions('?rack=acme%2Fdev')).toEqual(['acme/dev'])
    expect(await actions('?rack=elsewhere')).toEqual([])
    expect(await actions('?since=2999-01-01')).toEqual([])
    const first = await list(served, served.key, '?action=deploy-key.*&limit=2')
    expect(first.entries.map(({ target }) => target)).toEqual(['three', 'two'])
    const rest = `?action=deploy-key.*&limit=2&before=${first.next}`
    expect(await list(served, served.key, rest)).toMatchObject({
      entries: [{ target: 'one' }],
      next: null,
    })
  })

  it('is for its administrators; the server’s own is for the server administrator', async () => {
    const served = await serveFounded()
    const { ask, domain, account, key } = served
    const operator = await invited(domain, account, 'bob@example.com', 'operator')
    const second = await invited(domain, account, 'cy@example.com', 'administrator')
    const status = async (path: string, as: string) => (await ask(path, { key: as })).status
    for (const path of [LIST, EXPORT]) {
      expect(await status(path, operator.apiKey.reveal())).toBe(403)
      expect(await status(path, second.apiKey.reveal())).toBe(200)
      expect(await status(path.replace('acme', 'elsewhere'), key)).toBe(404)
      expect((await ask(path)).status).toBe(401)
    }
    for (const path of ['/api/audit', '/api/audit/export']) {
      expect(await status(path, second.apiKey.reveal())).toBe(403)
      expect(await status(path, key)).toBe(200)
    }
  })

  it('refuses what cannot be meant, by its field', async () => {
    const { ask, key } = await serveFounded()
    for (const [query, field] of [
      ['since=yesterday', 'since'],
      ['limit=0', 'limit'],
      ['limit=100000', 'limit'],
      ['before=-1', 'before'],
      ['before=1e3', 'before'],
      ['action=%25', 'action'],
      [`action=${'a'.repeat(81)}`, 'action'],
      ['action=rack_roll.*', 'action'],
      ['user=%00', 'user'],
      ['other=1', 'other'],
    ]) {
      const answer = await ask(`${LIST}?${query}`, { key })
      expect(answer.json).toMatchObject({ code: 'invalid', field })
      expect(answer.status).toBe(422)
    }
  })
})

describe('an export', () => {
  it('is every row of the chain, up to a head that the Console signed', async () => {
    const served = await withHistory()
    const [start, ...rows] = (await lines(served, served.key)) as [Start, ...AuditRow[]]
    expect(start).toMatchObject({
      format: 'keyrack-audit-export-1',
      organization: 'acme',
      after: { sequence: 0 },
    })
    expect(verifyChain(rows)).toBeUndefined()
    expect(rows.at(-1)).toMatchObject({ sequence: start.head.sequence, hash: start.head.hash })
    const { signature, public_key: publicKey, ...head } = start.head
    expect(signatureFits(publicKey, auditHeadText(head), signature)).toBe(true)
    const later = { ...head, sequence: head.sequence + 1 }
    expect(signatureFits(publicKey, auditHeadText(later), signature)).toBe(false)
    // The same Console is known by the same key at every answer.
    expect((await list(served, served.key)).head.public_key).toBe(publicKey)
  })

  it('begins where it is asked to, linked to the row before', async () => {
    const served = await withHistory()
    const [, ...rows] = (await lines(served, served.key)) as [Start, ...AuditRow[]]
    const [start, ...some] = (await lines(served, served.key, '?after=3&limit=4')) as [
      Start,
      ...AuditRow[],
    ]
    expect(some).toEqual(rows.slice(3, 7))
    const verifier = new ChainVerifier(start.after)
    expect(some.map((row) => verifier.next(row))).toEqual(some.map(() => undefined))
    const [empty, ...none] = (await lines(served, served.key, '?since=2999-01-01')) as [Start]
    expect(none).toEqual([])
    expect(empty.after).toEqual({ sequence: empty.head.sequence, hash: empty.head.hash })
  })

  it('longer than one page of the database is whole', async () => {
    const served = await serveFounded()
    const { domain, account } = served
    const event = {
      organizationId: account.organization.id,
      actor: { id: null, name: 'a test' },
      ...{ action: 'test.write', target: '\u202e"\\\u0085 ü', requestId: 'r', address: 'here' },
    }
    await domain.store.transaction(async (tx) => {
      for (let count = 0; count < 300; count++)
        await domain.audit.record(event, { status: 200 }, tx)
    })
    const [start, ...rows] = (await lines(served, served.key)) as [Start, ...AuditRow[]]
    expect(rows).toHaveLength(start.head.sequence)
    expect(rows.length).toBeGreaterThan(600)
    expect(verifyChain(rows)).toBeUndefined()
  })
})

interface Start {
  format: string
  organization: string
  head: AuditPage['head']
  after: { sequence: number; hash: string }
}
