/**
 * What the official command lines of 2016, 2017, v2 and v3 send for `rack params`, `params set`,
 * `scale`, `ps`, `logs` and `releases` (clients.md 5, protocol.md 8.2 to 8.4): raw heads over TLS,
 * through the Console to its local Rack.
 */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { basic, eventually, type StartedConsole, signUp, startConsole } from './started-console.ts'

const FORM = 'application/x-www-form-urlencoded'

let server: StartedConsole
let key: string
let port: number

beforeAll(async () => {
  server = await startConsole()
  key = (await signUp(server, { email: 'ann@example.com', organization: 'acme' })).apiKey
  port = Number(server.environment.TLS_PORT)
  await untilRunning(3)
})

afterAll(async () => {
  await server.remove()
})

/** One request over TLS as given, answered and closed. */
async function send(lines: string[], body: string) {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n${body}`)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  const [head = '', ...rest] = Buffer.concat(chunks).toString('utf8').split('\r\n\r\n')
  const text = rest.join('\r\n\r\n')
  const whole = /transfer-encoding: chunked/i.test(head)
    ? text.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/gi, '').trimEnd()
    : text
  return { status: Number(head.split(' ')[1]), json: JSON.parse(whole) }
}

/** Go writes the length of a form, and none for a request without a body but PUT and POST. */
function lengthOf(line: string, form: string | undefined): string[] {
  return /^(PUT|POST) /.test(line) ? [`Content-Length: ${(form ?? '').length}`] : []
}

function gen1(line: string, form?: string) {
  return send(
    [
      `${line} HTTP/1.1`,
      `Host: localhost:${port}`,
      'User-Agent: Go-http-client/1.1',
      ...lengthOf(line, form),
      `Authorization: ${basic(key)}`,
      `Content-Type: ${form === undefined ? 'application/json' : FORM}`,
      'Rack: acme/dev',
      'Version: 20161028232500',
      'Accept-Encoding: gzip',
    ],
    form ?? '',
  )
}

/** v2 and v3: every path ends in `?`, the password is escaped, `Session` is there and empty. */
function gen2(line: string, form?: string) {
  const target = line.includes('?') ? line : `${line}?`
  return send(
    [
      `${target} HTTP/1.1`,
      `Host: localhost:${port}`,
      'User-Agent: convox.go/dev',
      ...lengthOf(line, form),
      'Accept: */*',
      `Authorization: ${basic(key.replace('_', '%5F'))}`,
      `Content-Type: ${form === undefined ? 'application/octet-stream' : FORM}`,
      'Rack: acme/dev',
      'Session: ',
      'Version: dev',
      'Accept-Encoding: gzip',
    ],
    form ?? '',
  )
}

async function untilRunning(count: number): Promise<void> {
  await eventually(`${count} running instances`, async () => {
    const { status, json } = await gen2('GET /system')
    return status === 200 && json.status === 'running' && json.count === count ? true : undefined
  })
}

describe('rack params', () => {
  it('of gen1: GET /system, then the parameters of the app that is called as it says', async () => {
    const { json: system } = await gen1('GET /system')
    const { status, json } = await gen1(`GET /apps/${system.name}/parameters`)
    expect([status, json]).toEqual([200, { InstanceCount: '3', Password: '****' }])
  })

  it('of v2: the parameters of GET /system?', async () => {
    const { json } = await gen2('GET /system')
    expect(json.parameters).toEqual({ InstanceCount: '3', Password: '****' })
    expect(json.version > '20190111211123').toBe(true)
  })

  it('of v3: GET /racks/ORG/RACK? has none, so it reads GET /system?', async () => {
    const { status, json } = await gen2('GET /racks/acme/dev')
    expect(status).toBe(200)
    const parameters = Object.entries(json).find(([name]) => name.toLowerCase() === 'parameters')
    expect(parameters?.[1] ?? null).toBeNull()
    expect((await gen2('GET /system')).json.parameters.InstanceCount).toBe('3')
  })
})

describe('rack params set', () => {
  it('of gen1: one field for each parameter, and it wants "success"', async () => {
    const { status, json } = await gen1('POST /apps/dev/parameters', 'InstanceCount=4')
    expect([status, json]).toEqual([200, { success: true }])
    await untilRunning(4)
  })

  it('of v2: GET /system?, then one field with a form inside; any 2xx is done', async () => {
    await gen2('GET /system')
    expect((await gen2('PUT /system', 'parameters=InstanceCount%3D3')).status).toBe(200)
    await untilRunning(3)
  })

  it('with a name that nobody knows, or the mask, says so by name', async () => {
    for (const answer of [
      await gen2('PUT /system', 'parameters=HttpProxy%3Dx'),
      await gen1('POST /apps/dev/parameters', 'HttpProxy=x'),
    ]) {
      expect([answer.status, answer.json.error]).toEqual([
        422,
        expect.stringContaining('there is no parameter "HttpProxy"'),
      ])
      expect(answer.json.error).not.toContain('%')
    }
    const masked = await gen2('PUT /system', 'parameters=InstanceCount%3D%2A%2A%2A%2A')
    expect([masked.status, masked.json.field]).toEqual([422, 'InstanceCount'])
  })

  it('never sets the Password, in any way that a client could write it', async () => {
    for (const [line, form] of [
      ['PUT /system', 'parameters=Password%3Dnewpw'],
      ['PUT /system', 'parameters=InstanceCount%3D3%26Password%3Dnewpw'],
      ['PUT /system?parameters=Password%3Dnewpw', ''],
      ['POST /apps/dev/parameters', 'Password=newpw'],
    ] as const) {
      const { status, json } = await gen2(line, form)
      expect([form, status, json.field]).toEqual([form, 403, 'Password'])
    }
    // The Rack still takes the key that the Console holds.
    expect((await gen2('GET /system')).status).toBe(200)
  })
})

describe('rack scale', () => {
  it('of gen1: PUT /system with every field, empty where it stays, answers the System', async () => {
    const { status, json } = await gen1('PUT /system', 'count=4&type=')
    expect([status, json.name, json.count, json.type]).toEqual([200, 'dev', 4, 'local'])
    const same = await gen1('PUT /system', 'count=-1&type=local')
    expect([same.status, same.json.count]).toEqual([200, 4])
    await untilRunning(4)
  })

  it('of v2 and v3: GET /system?, then PUT /system? count=3', async () => {
    await gen2('GET /system')
    expect((await gen2('PUT /system', 'count=3')).status).toBe(200)
    await untilRunning(3)
  })

  it('of v3, as its update sends it: nothing changes', async () => {
    const { status, json } = await gen2('PUT /system', 'force=false&version=')
    expect([status, json.count]).toEqual([200, 3])
  })
})

describe('rack ps and rack releases', () => {
  it('of gen1: GET /system/processes?all=', async () => {
    const { status, json } = await gen1('GET /system/processes?all=')
    expect([status, json[0].app, json[0].name]).toEqual([200, 'dev', 'web'])
  })

  it('of v2: the fields that its table reads, times in RFC 3339', async () => {
    for (const line of ['GET /system/processes', 'GET /system/processes?all=true']) {
      const { json } = await gen2(line)
      for (const field of ['id', 'app', 'name', 'status', 'release', 'started', 'command']) {
        expect(json[0][field]).toMatch(/./)
      }
      expect(json[0].started).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    }
  })

  it('of both: releases with the version as id', async () => {
    const { version } = (await gen1('GET /system')).json
    for (const { status, json } of [
      await gen1('GET /system/releases'),
      await gen2('GET /system/releases'),
    ]) {
      expect([status, json[0].id]).toEqual([200, version])
      expect(json[0].created).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
    }
  })
})

describe('system metrics', () => {
  it('of v2 and v3, as their API package asks: times in a layout of Go, names with commas', async () => {
    const query =
      'end=21000101.000000.000000000&metrics=cluster%3Acpu%3Autilization%2Ccluster%3Amem%3Autilization' +
      '&period=300&start=20180901.020304.000000000'
    const { status, json } = await gen2(`GET /system/metrics?${query}`)
    expect([status, json.map(({ name }: { name: string }) => name)]).toEqual([
      200,
      ['cluster:cpu:utilization', 'cluster:mem:utilization'],
    ])
    for (const { values } of json) {
      for (const value of values) {
        // Go reads numbers and RFC 3339 here, and nothing else.
        for (const field of ['avg', 'count', 'max', 'min', 'sum']) {
          expect(typeof value[field]).toBe('number')
        }
        expect(Number.isInteger(value.count)).toBe(true)
        expect(value.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
      }
    }
    expect((await gen2('GET /system/metrics')).status).toBe(200)
  })
})

interface LogStream {
  frames: { binary: boolean; text: string }[]
  closed: Promise<number>
  /** Resolves when the text has come. */
  shows(text: string): Promise<void>
  leave(): void
}

/** The log as the clients open it: options in headers, never a query. */
async function openLogs(options: Record<string, string>): Promise<LogStream> {
  const ws = new WebSocket(`wss://127.0.0.1:${port}/system/logs`, {
    rejectUnauthorized: false,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    headers: {
      Origin: `https://127.0.0.1:${port}`,
      Authorization: basic(key),
      Rack: 'acme/dev',
      ...options,
    },
  })
  const frames: LogStream['frames'] = []
  ws.on('message', (data: Buffer, binary) => frames.push({ binary, text: data.toString('utf8') }))
  const closed = new Promise<number>((resolve) => ws.once('close', resolve))
  await once(ws, 'open')
  return {
    frames,
    closed,
    async shows(text) {
      while (!frames.some((frame) => frame.text.includes(text))) await once(ws, 'message')
    },
    leave: () => ws.close(1000),
  }
}

const LINE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ system\/\S+ .+\n$/

describe('rack logs', () => {
  it('of v2 and v3: GET /racks?, then Prefix: true; text frames that go on', async () => {
    await gen2('GET /racks')
    const logs = await openLogs({ Prefix: 'true', Session: '', Version: 'dev' })
    await gen2('PUT /system', 'count=3')
    await logs.shows('3 instances before, 3 wanted now')
    for (const { binary, text } of logs.frames) {
      expect(binary).toBe(false)
      for (const line of text.split(/(?<=\n)/)) expect(line).toMatch(LINE)
    }
    logs.leave()
    await logs.closed
  })

  it('of v2 with --no-follow: the end is an empty binary frame, then TCP; no exit marker', async () => {
    const logs = await openLogs({ Prefix: 'true', Follow: 'false', Since: '1h0m0s' })
    expect(await logs.closed).toBe(1006)
    expect(logs.frames.at(-1)).toEqual({ binary: true, text: '' })
    const text = logs.frames.map((frame) => frame.text).join('')
    expect(text).toContain('the Rack started')
    expect(text).not.toContain('F1E49A85')
  })

  it('of gen1: always Filter, Follow and Since, without a prefix', async () => {
    const options = { Filter: 'Rack started', Follow: 'false', Since: '1h0m0s' }
    const logs = await openLogs({ ...options, Version: '20161028232500' })
    await logs.closed
    const text = logs.frames.map((frame) => frame.text).join('')
    expect(text).toMatch(/^the Rack started, version \d+\n$/)
    const following = await openLogs({ Filter: '', Follow: 'true', Since: '2m0s' })
    await gen1('PUT /system', 'count=3&type=')
    await following.shows('3 wanted now')
    following.leave()
    await following.closed
  })

  it('of waiters: Since: 5s, again and again, and lines whose second word says system/', async () => {
    for (let time = 0; time < 3; time++) {
      const logs = await openLogs({ Prefix: 'true', Since: '5s' })
      await gen2('PUT /system', 'count=3')
      await logs.shows(' system/update/')
      logs.leave()
      await logs.closed
    }
  })

  it('tell who opened a shell by the request id that the Console has on record', async () => {
    const [instance] = (await gen2('GET /instances')).json
    const logs = await openLogs({ Prefix: 'true', Since: '0s' })
    const shell = new WebSocket(`wss://127.0.0.1:${port}/instances/${instance.id}/shell`, {
      rejectUnauthorized: false,
      headers: { Authorization: basic(key), Rack: 'acme/dev', Command: 'echo private-words' },
    })
    await once(shell, 'close')
    await logs.shows('the session ended with status 0')
    const text = logs.frames.map((frame) => frame.text).join('')
    const [, id] = / system\/shell\/(\S+) on i-\w+: a session begins\n/.exec(text) ?? []
    expect(id).toMatch(/^[0-9a-f]{12}$/)
    await eventually('the request in the log of the Console', () =>
      server.output().includes(`${id}`) ? true : undefined,
    )
    expect(text).not.toContain('private-words')
    logs.leave()
    await logs.closed
  })

  it('of somebody without a key are upgraded, told why, and ended', async () => {
    // The name of the request is in the head; the text is what these clients print.
    const logs = await openLogs({ Prefix: 'true', Authorization: basic('wrong') })
    await logs.closed
    expect(logs.frames[0]?.text).toMatch(/^ERROR: invalid authentication.*\n$/)
    expect(logs.frames[0]?.text).not.toContain('request')
    expect(logs.frames.at(-1)?.binary).toBe(true)
  })
})
