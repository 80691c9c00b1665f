import { once } from 'node:events'
import { request } from 'node:http'
import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { KeyrackError } from '@keyrack/protocol'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHealth } from './health.ts'
import { createLogger } from './log.ts'
import { createMetrics } from './metrics.ts'
import { type OperatorRoute, openOperatorListener } from './operator-listener.ts'

async function open(routes: Record<string, OperatorRoute> = {}, check = async () => {}) {
  const lines: string[] = []
  const listener = await openOperatorListener({
    port: 0,
    health: createHealth({ database: check }),
    metrics: createMetrics(),
    log: createLogger({ name: 'test', destination: { write: (line) => void lines.push(line) } }),
    routes,
  })
  onTestFinished(listener.close)
  const call = async (method: string, path: string, headers: Record<string, string> = {}) => {
    const outgoing = request({ port: listener.port, host: '127.0.0.1', method, path, headers })
    outgoing.end()
    const [response] = await once(outgoing, 'response')
    let body = ''
    for await (const chunk of response) body += chunk
    return { status: response.statusCode as number, headers: response.headers, body }
  }
  return { listener, call, lines }
}

describe('the operator listener', () => {
  it('answers liveness, readiness and metrics', async () => {
    const { call } = await open()
    expect(await call('GET', '/livez')).toMatchObject({ status: 200, body: '{"status":"ok"}\n' })
    expect(await call('GET', '/readyz')).toMatchObject({ status: 200 })
    expect(await call('HEAD', '/readyz')).toMatchObject({ status: 200, body: '' })
    const metrics = await call('GET', '/metrics?x=1')
    expect(metrics.headers['content-type']).toContain('text/plain')
    expect(metrics.body).toContain('process_cpu_user_seconds_total')
  })

  it('says 503 with the name of what is not ready', async () => {
    const { call } = await open({}, async () => {
      throw new Error('down')
    })
    expect(await call('GET', '/readyz')).toMatchObject({
      status: 503,
      body: '{"status":"not ready","failed":["database"]}\n',
    })
    expect((await call('GET', '/livez')).status).toBe(200)
  })

  it('runs admin commands and tells their failures with the request id', async () => {
    const { call, lines } = await open({
      'POST /admin/echo': (incoming, response) => void response.end(`did ${incoming.method}`),
      'POST /admin/no': () => {
        throw new KeyrackError('conflict', 'not now')
      },
      'POST /admin/bug': async () => {
        throw new TypeError('hunter2')
      },
    })
    expect(await call('POST', '/admin/echo')).toMatchObject({ status: 200, body: 'did POST' })
    expect((await call('GET', '/admin/echo')).status).toBe(404)
    const refused = await call('POST', '/admin/no', { 'request-id': 'abcdef012345' })
    expect(refused.status).toBe(409)
    expect(JSON.parse(refused.body)).toEqual({
      error: 'not now',
      code: 'conflict',
      request_id: 'abcdef012345',
    })
    expect(lines).toEqual([])
    const bug = await call('POST', '/admin/bug', { 'request-id': 'abcdef012346' })
    expect(bug.status).toBe(500)
    expect(bug.body).not.toContain('hunter2')
    expect(lines).toEqual([expect.stringContaining('abcdef012346')])
  })

  it('answers no web page and no foreign host name', async () => {
    const { call, listener } = await open({
      'POST /admin/x': (_request, response) => void response.end('done'),
    })
    const foreign: Array<Record<string, string>> = [
      { origin: 'https://evil.example' },
      { origin: `http://127.0.0.1:${listener.port}` },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { host: 'evil.example' },
      { host: `evil.example:${listener.port}` },
      { host: '127.0.0.1.evil.example' },
      { host: '192.0.2.1' },
    ]
    for (const headers of foreign) {
      expect((await call('POST', '/admin/x', headers)).status, JSON.stringify(headers)).toBe(403)
    }
    for (const host of ['localhost', '127.0.0.1:1', `[::1]:${listener.port}`]) {
      expect((await call('POST', '/admin/x', { host })).status, host).toBe(200)
    }
  })

  it('cannot be reached from another machine', async () => {
    const { listener } = await open()
    expect(listener.host).toBe('127.0.0.1')
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find((address) => !address.internal && address.family === 'IPv4')
    if (outside === undefined) return
    const [error] = await once(connect(listener.port, outside.address), 'error')
    expect(error.code).toBe('ECONNREFUSED')
  })

  it('names its setting when the port is taken', async () => {
    const { listener } = await open()
    const log = createLogger({ name: 'test', level: 'silent' })
    const second = openOperatorListener({
      port: listener.port,
      health: createHealth({}),
      metrics: createMetrics(),
      log,
    })
    await expect(second).rejects.toMatchObject({ hint: 'set OPERATOR_PORT to another one' })
  })
})
