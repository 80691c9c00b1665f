import type { IncomingHttpHeaders } from 'node:http'
import { ACTOR_HEADER, readActor } from '@keyrack/protocol/audit'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startProxiedRack } from './testing/proxied-rack.ts'

/** A proxied Rack that remembers with which headers it was asked. */
async function listeningRack(remoteId: string | null) {
  const heard: IncomingHttpHeaders[] = []
  const proxied = await startProxiedRack({
    entry: { remoteId },
    request(request, response) {
      heard.push(request.headers)
      response.end('ok')
    },
  })
  onTestFinished(() => proxied.close())
  const ask = (line: string, headers: Record<string, string> = {}) => {
    const [method = '', path = ''] = line.split(' ')
    const { authorization, port } = proxied
    return fetch(`http://127.0.0.1:${port}${path}`, {
      method,
      headers: { authorization, rack: 'acme/dev', ...headers },
    })
  }
  return { ...proxied, heard, ask }
}

describe('on whose behalf the Console asks', () => {
  it('is told to a Rack of our kind, signed, with the audit row that was written before', async () => {
    const { ask, heard, identity, store } = await listeningRack('r-1')
    await ask('DELETE /instances/i-1?x=secret')
    const statement = readActor(String(heard[0]?.[ACTOR_HEADER]), identity.publicKey)
    const row = await store.db
      .selectFrom('audit')
      .select(['chain', 'sequence', 'hash'])
      .where('phase', '=', 'started')
      .executeTakeFirst()
    expect(statement).toEqual({
      ...{ console: identity.id, rack: 'r-1', actor: 'ann@example.com', row },
      ...{ target: 'DELETE /instances/i-1', request: 'request-0001' },
    })
    expect(heard[0]?.['request-id']).toBe('request-0001')
  })

  it('is not told where nothing is recorded, nor to an official Rack', async () => {
    const ours = await listeningRack('r-1')
    await ours.ask('GET /instances')
    const official = await listeningRack(null)
    await official.ask('DELETE /instances/i-1')
    expect([...ours.heard, ...official.heard].map((headers) => headers[ACTOR_HEADER])).toEqual([
      undefined,
      undefined,
    ])
  })

  it.each([
    ['its own word for it', { [ACTOR_HEADER]: 'eve' }],
    ['the name that official Racks take', { 'Convox-Actor': 'eve' }],
  ])('is never a client’s to say: %s', async (_, headers) => {
    const { ask, heard, identity } = await listeningRack('r-1')
    await ask('DELETE /instances/i-1', headers)
    await ask('GET /instances', headers)
    const [write, read] = heard
    expect(readActor(String(write?.[ACTOR_HEADER]), identity.publicKey)?.actor).toBe(
      'ann@example.com',
    )
    expect(read?.[ACTOR_HEADER]).toBeUndefined()
    expect(JSON.stringify(heard)).not.toContain('eve')
  })
})
