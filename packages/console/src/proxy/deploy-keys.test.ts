import { errorText, KeyrackError } from '@keyrack/protocol'
import { createClient } from '@keyrack/protocol/client'
import { afterEach, describe, expect, it } from 'vitest'
import type { DeployKeyEntry } from '../directory.ts'
import { authorize } from './authorize.ts'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'
import { rackEntry } from './testing/rack-entry.ts'

let proxied: ProxiedRack | undefined

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
})

async function started(local: boolean) {
  const asked: string[] = []
  const running = await startProxiedRack({
    entry: { local },
    request(request, answer) {
      asked.push(`${request.method} ${request.url}`)
      answer.end('{}')
    },
  })
  proxied = running
  const client = createClient({
    url: `http://127.0.0.1:${running.port}`,
    password: running.deployKey,
    rack: 'acme/dev',
    version: 'dev',
  })
  return { running, asked, client }
}

const KEY: DeployKeyEntry = {
  kind: 'deploy-key',
  id: 'd-1',
  name: 'ci',
  organization: { id: 'org-1', name: 'acme' },
  expiresAt: null,
}

const RACK = rackEntry({ organization: KEY.organization })

/** Every HTTP request that the commands of the official list make on a Rack (protocol.md 8.2, 8.3). */
const ALLOWED = [
  'GET /system',
  'GET /apps/web',
  'POST /apps/web/objects/tmp/abc.tgz',
  'POST /apps/web/builds',
  'GET /apps/web/builds',
  'GET /apps/web/builds/B1',
  'GET /apps/web/builds/B1.tgz',
  'POST /apps/web/builds/import',
  'POST /apps/web/releases',
  'POST /apps/web/releases/R1/promote',
  'POST /apps/web/services/web/processes',
  'GET /apps/web/processes/p1',
  'DELETE /apps/web/processes/p1',
]

const STREAMS = [
  '/apps/web/logs',
  '/apps/web/services/web/logs',
  '/apps/web/builds/B1/logs',
  '/apps/web/processes/p1/exec',
]

/** What holds secrets, changes the Rack, or belongs to other commands. */
const REFUSED = [
  'GET /apps/web/releases',
  'GET /apps/web/releases/R1',
  'GET /apps/web/environment',
  'GET /registries',
  'PUT /system',
  'GET /instances',
  'DELETE /instances/i-1',
  'POST /apps',
  'DELETE /apps/web',
  'GET /apps/web/objects/tmp/abc.tgz',
  'POST /apps/web/processes/p1/files',
  'POST /system/jwt/token',
  'GET /not/listed',
]

describe('a deploy key on a Rack of its organization', () => {
  it.each(ALLOWED)('may %s', (line) => {
    const [method = '', path = ''] = line.split(' ')
    expect(authorize(KEY, RACK, method, path, false).route.method).toBe(method)
  })

  it.each(STREAMS)('may open %s', (path) => {
    expect(authorize(KEY, RACK, 'GET', path, true).route.socket).toBe(true)
  })

  it.each(REFUSED)('may not %s, is told what it may, and the Rack hears nothing', async (line) => {
    const { asked, client } = await started(false)
    const [method = '', path = ''] = line.split(' ')
    const error = await client.request(method, path).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'forbidden' })
    expect(error instanceof KeyrackError && errorText(error)).toContain('good for build, builds')
    expect(asked).toEqual([])
  })

  it('opens no shell on an instance', async () => {
    const { client } = await started(false)
    const stream = await client.stream('/instances/i-1/shell', { Command: 'id' })
    let said = ''
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    stream.on('error', () => undefined)
    await new Promise((resolve) => stream.once('close', resolve))
    expect(said).toContain('a deploy key may not do this')
  })

  it('is on record by its name', async () => {
    const { running, client } = await started(false)
    // On record before the Rack hears of it; here none can be where this one is said to be.
    await expect(client.request('POST', '/apps/web/builds')).rejects.toThrow('is not allowed')
    const rows = await running.store.db
      .selectFrom('audit')
      .select(['actor_id', 'actor_name', 'action', 'phase'])
      .orderBy('sequence')
      .execute()
    const actor = { actor_id: 'd-1', actor_name: 'deploy key ci', action: 'builds.create' }
    expect(rows).toEqual([
      { ...actor, phase: 'started' },
      { ...actor, phase: 'finished' },
    ])
  })

  it('uses no local one', async () => {
    const { asked, client } = await started(true)
    await expect(client.request('GET', '/system')).rejects.toThrow('only the server administrator')
    expect(asked).toEqual([])
  })
})
