/**
 * What the official command lines of 2016, 2017, v2 and v3 were seen to send for the commands that
 * exist here (clients.md 5, protocol.md 8), byte for byte where it matters: raw heads over TLS, the
 * trailing `?`, the empty `Session`, escaped passwords, a stale `Rack`.
 */
import { once } from 'node:events'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import WebSocket from 'ws'
import { basic, eventually, type StartedConsole, signUp, startConsole } from './started-console.ts'

const EXIT = 'F1E49A85-0AD7-4AEF-A618-C249C6E6568D:'

let server: StartedConsole
let key: string
let port: number

beforeAll(async () => {
  server = await startConsole()
  key = (await signUp(server, { email: 'ann@example.com', organization: 'acme' })).apiKey
  port = Number(server.environment.TLS_PORT)
  await instance()
})

afterAll(async () => {
  await server.remove()
})

interface Answer {
  status: number
  head: string
  body: string
}

/** One request over TLS as given, answered and closed. */
async function send(lines: string[]): Promise<Answer> {
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  socket.write(`${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`)
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  const [head = '', ...rest] = text.split('\r\n\r\n')
  const body = rest.join('\r\n\r\n')
  const whole = /transfer-encoding: chunked/i.test(head)
    ? body.replaceAll(/(?:^|\r\n)[0-9a-f]+\r\n/gi, '').trimEnd()
    : body
  return { status: Number(head.split(' ')[1]), head, body: whole }
}

function gen1(line: string, rack?: string): Promise<Answer> {
  return send([
    `${line} HTTP/1.1`,
    `Host: localhost:${port}`,
    'User-Agent: Go-http-client/1.1',
    `Authorization: ${basic(key)}`,
    'Content-Type: application/json',
    ...(rack === undefined ? [] : [`Rack: ${rack}`]),
    'Version: 20161028232500',
    'Accept-Encoding: gzip',
  ])
}

/** v2 and v3 escape the password in the URL they build and send it so; here even its `_`. */
function gen2(line: string, rack?: string): Promise<Answer> {
  return send([
    `${line}? HTTP/1.1`,
    `Host: localhost:${port}`,
    'User-Agent: convox.go/dev',
    'Accept: */*',
    `Authorization: ${basic(key.replace('_', '%5F'))}`,
    'Content-Type: application/octet-stream',
    ...(rack === undefined ? [] : [`Rack: ${rack}`]),
    'Session: ',
    'Version: dev',
    'Accept-Encoding: gzip',
  ])
}

function instance(): Promise<string> {
  return eventually('a running instance', async () => {
    const { status, body } = await gen2('GET /instances', 'acme/dev')
    if (status !== 200) return undefined
    const listed = JSON.parse(body) as Array<{ id: string; status: string }>
    return listed.filter((one) => one.status === 'running').length === 3 ? listed[0]?.id : undefined
  })
}

describe('login', () => {
  it('of 2016: GET /apps may fail as it likes, then GET /auth is 200', async () => {
    expect((await gen1('GET /apps')).status).toBeGreaterThanOrEqual(400)
    expect((await gen1('GET /auth')).status).toBe(200)
  })

  it('of 2017: GET /auth with nothing but the credential answers a JSON object with an id', async () => {
    const lines = ['GET /auth HTTP/1.1', `Host: localhost:${port}`, `Authorization: ${basic(key)}`]
    const { status, body } = await send(lines)
    expect(status).toBe(200)
    expect(JSON.parse(body).id).toMatch(/^[0-9a-zA-Z-]{8,}$/)
  })

  it('of v2 and v3: GET /auth? with an escaped password', async () => {
    expect((await gen2('GET /auth')).status).toBe(200)
  })

  it('with a wrong key is a 401 without a session demand, which login could not answer', async () => {
    const { status, head, body } = await send([
      'GET /auth? HTTP/1.1',
      `Host: localhost:${port}`,
      `Authorization: ${basic('wrong')}`,
    ])
    expect(status).toBe(401)
    expect(head).not.toMatch(/www-authenticate: session/i)
    // The error is a Go format string in every official client.
    expect(JSON.parse(body).error).not.toContain('%')
  })
})

describe('racks', () => {
  it('are listed with what every generation reads, also when gen1 sends its stale Rack', async () => {
    for (const answer of [
      await gen1('GET /racks', 'gone/rack'),
      await gen2('GET /racks'),
      await gen2('GET /racks', 'acme/dev'),
    ]) {
      expect(answer.status).toBe(200)
      expect(JSON.parse(answer.body)).toEqual([
        {
          name: 'dev',
          organization: { id: expect.any(String), name: 'acme' },
          provider: 'local',
          status: 'running',
          version: expect.any(String),
        },
      ])
    }
  })

  it('of v3: one Rack by its two path segments, without Terraform state', async () => {
    const { status, body } = await gen2('GET /racks/acme/dev')
    expect(status).toBe(200)
    const rack = JSON.parse(body)
    const field = (name: string) =>
      Object.entries(rack).find(([given]) => given.toLowerCase() === name)?.[1]
    expect(field('name')).toBe('dev')
    expect(field('state') ?? null).toBeNull()
    expect((await gen2('GET /racks/other/prod')).status).toBe(404)
  })

  it('of v3: there are no cloud machines', async () => {
    const { status, body } = await gen2('GET /machines')
    expect([status, JSON.parse(body)]).toEqual([200, []])
  })
})

describe('on a Rack', () => {
  it('GET /system has what the version gates and `convox rack` read', async () => {
    for (const answer of [
      await gen1('GET /system', 'acme/dev'),
      await gen2('GET /system', 'dev'),
    ]) {
      expect(answer.status).toBe(200)
      const system = JSON.parse(answer.body)
      expect(system).toMatchObject({ name: 'dev', status: 'running', count: 3 })
      expect(system.version > '20190111211123').toBe(true)
      expect(system.parameters.Password).toBe('****')
    }
  })

  it('GET /instances has the official fields, times in RFC 3339', async () => {
    const { body } = await gen1('GET /instances', 'acme/dev')
    for (const listed of JSON.parse(body)) {
      expect(Object.keys(listed).sort()).toEqual([
        ...['agent', 'cpu', 'id', 'memory', 'private-ip', 'processes', 'public-ip', 'started'],
        'status',
      ])
      expect(listed.started).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/)
      expect(Number.isInteger(listed.processes)).toBe(true)
    }
  })

  it('DELETE /instances/ID answers what gen1 requires', async () => {
    const { status, body } = await gen1(`DELETE /instances/${await instance()}`, 'acme/dev')
    expect([status, JSON.parse(body)]).toEqual([200, { success: true }])
  })

  it('POST /instances/keyroll answers the one thing that every client takes for done', async () => {
    const keyroll = 'POST /instances/keyroll'
    const generation = async () =>
      JSON.parse((await gen2('GET /instances/keyroll', 'acme/dev')).body).generation
    const before = await generation()
    for (const { status, body } of [
      await gen1(keyroll, 'acme/dev'),
      await gen2(keyroll, 'acme/dev'),
    ]) {
      expect([status, JSON.parse(body)]).toEqual([200, { success: true }])
    }
    expect(await generation()).toBe(before + 2)
    // v3 then asks until the Rack runs, and reads its log.
    expect(JSON.parse((await gen2('GET /system', 'acme/dev')).body).status).toBe('running')
  })

  it('a missing or unknown Rack is a clear 4xx', async () => {
    const missing = await gen2('GET /instances')
    expect(missing.status).toBeGreaterThanOrEqual(400)
    expect(missing.status).toBeLessThan(500)
    expect(JSON.parse(missing.body).error).toContain('no Rack')
    expect((await gen2('GET /instances', 'acme/other')).status).toBe(404)
  })
})

interface Frame {
  binary: boolean
  data: Buffer
}

/** A shell as the clients open it: options in headers, `Origin` with the scheme and port. */
async function shell(
  path: string,
  headers: Record<string, string>,
  input: Buffer | undefined,
): Promise<Frame[]> {
  const ws = new WebSocket(`wss://127.0.0.1:${port}${path}`, {
    rejectUnauthorized: false,
    perMessageDeflate: false,
    skipUTF8Validation: true,
    headers: { Origin: `https://127.0.0.1:${port}`, ...headers },
  })
  const frames: Frame[] = []
  ws.on('message', (data, binary) => frames.push({ binary, data: data as Buffer }))
  await once(ws, 'open')
  if (input !== undefined) {
    ws.send(input, { binary: false })
    ws.send(Buffer.alloc(0), { binary: true })
  }
  const [code] = await once(ws, 'close')
  // The server drops TCP after its end frame and sends no Close frame.
  expect(code).toBe(1006)
  return frames
}

describe('a shell on an instance', () => {
  const rack = () => ({ Authorization: basic(key), Rack: 'acme/dev', Session: '', Version: 'dev' })

  it('of v2 and v3: text frames, the exit marker alone in the last, then an empty binary frame', async () => {
    await gen2('GET /racks')
    const binary = Buffer.from([0x50, 0x00, 0xff, 0xfe, 0x41])
    const path = `/instances/${await instance()}/shell`
    const frames = await shell(path, { ...rack(), Command: 'cat; exit 7' }, binary)
    expect(frames.at(-1)).toEqual({ binary: true, data: Buffer.alloc(0) })
    expect(frames.at(-2)?.data.toString()).toBe(`${EXIT}7\n`)
    expect(Buffer.concat(frames.slice(0, -2).map(({ data }) => data))).toEqual(binary)
    expect(frames.slice(0, -1).every((frame) => !frame.binary)).toBe(true)
  })

  it('of gen1: by /ssh, with a terminal of the size that was asked for', async () => {
    const options = { Command: 'stty size', Terminal: 'xterm', Height: '41', Width: '101' }
    const path = `/instances/${await instance()}/ssh`
    const frames = await shell(path, { ...rack(), ...options }, undefined)
    const text = Buffer.concat(frames.map(({ data }) => data)).toString()
    expect(text).toBe(`41 101\r\n${EXIT}0\n`)
  })

  it('with a wrong key is upgraded, told why, and ended', async () => {
    const options = { Authorization: basic('wrong'), Rack: 'acme/dev', Command: 'id' }
    const frames = await shell('/instances/i-1/shell', options, undefined)
    expect(frames.map(({ binary }) => binary)).toEqual([false, false, true])
    expect(frames[0]?.data.toString()).toMatch(/^ERROR: invalid authentication.*\n$/)
    expect(frames[1]?.data.toString()).toBe(`${EXIT}1\n`)
  })
})

describe('what no client may do', () => {
  it('set the Password of the Rack, in either generation’s way', async () => {
    const form = (line: string, body: string) =>
      fetch(`${server.web}${line}`, {
        method: line.startsWith('/system') ? 'PUT' : 'POST',
        headers: {
          Authorization: basic(key),
          Rack: 'acme/dev',
          'Content-Type': 'application/x-www-form-urlencoded',
        },
        body,
      })
    for (const answer of [
      await form('/system', 'parameters=Password%3Dnewpw'),
      await form('/apps/dev/parameters', 'Password=newpw'),
    ]) {
      expect(answer.status).toBe(403)
      expect(((await answer.json()) as { error: string }).error).toContain('convox rack key roll')
    }
  })
})
