import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'

let proxied: ProxiedRack | undefined
const heard: IncomingMessage[] = []

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
  heard.length = 0
})

const KEY = Buffer.alloc(16, 7).toString('base64')
const ACCEPT = createHash('sha1')
  .update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
  .digest('base64')

/** A text of 1,024 bytes, as official clients send it. */
const FRAME = Buffer.concat([Buffer.from([0x81, 0xfe, 4, 0, 0, 0, 0, 0]), Buffer.alloc(1024, 'x')])

/** A Rack that takes every handshake and then sends back the bytes it gets. */
async function startEcho(first = ''): Promise<ProxiedRack> {
  proxied = await startProxiedRack({
    request: (request, answer) => {
      heard.push(request)
      answer.end()
    },
    upgrade: (request, socket, head) => {
      heard.push(request)
      socket.on('error', () => undefined)
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          `Sec-WebSocket-Accept: ${ACCEPT}\r\nSet-Cookie: a=b\r\n\r\n${first}`,
      )
      echo(socket, head)
    },
  })
  return proxied
}

function echo(socket: Duplex, head: Buffer): void {
  socket.write(head)
  socket.pipe(socket)
}

function handshake(running: ProxiedRack, changes: Record<string, string | undefined> = {}): string {
  const { line, ...headers } = {
    line: 'GET /instances/i-1/shell HTTP/1.1',
    Host: 'localhost',
    Authorization: running.authorization,
    Rack: 'acme/dev',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': KEY,
    ...changes,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}: ${value}`],
  )
  return `${[line, ...lines].join('\r\n')}\r\n\r\n`
}

async function until({ port }: ProxiedRack, bytes: string, wanted: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk.toString('latin1')
  })
  socket.write(bytes, 'latin1')
  while (!said.includes(wanted) && !socket.closed) {
    await Promise.race([once(socket, 'data'), once(socket, 'close')])
  }
  socket.destroy()
  return said
}

describe('a handshake that a lenient Rack might take is refused before anything is sent', () => {
  const cases: Array<[string, Record<string, string | undefined>]> = [
    ['no key', { 'Sec-WebSocket-Key': undefined }],
    ['a key that is no 16 bytes', { 'Sec-WebSocket-Key': 'abc' }],
    ['no version', { 'Sec-WebSocket-Version': undefined }],
    ['another version', { 'Sec-WebSocket-Version': '8' }],
    ['POST', { line: 'POST /instances/i-1/shell HTTP/1.1' }],
    ['another protocol', { Upgrade: 'h2c' }],
    ['one of several protocols', { Upgrade: 'h2c, websocket' }],
    ['a body by length', { 'Content-Length': '5' }],
    ['a body in chunks', { 'Transfer-Encoding': 'chunked' }],
  ]
  for (const [name, changes] of cases) {
    it(name, async () => {
      const running = await startEcho()
      const said = await until(running, `${handshake(running, changes)}hello`, '\x82\x00')
      expect(said).toMatch(/^HTTP\/1\.1 (4\d\d |101 (?:.|\s)*ERROR: )/)
      expect(heard).toEqual([])
      expect(await running.auditRows()).toEqual([])
    })
  }

  it('TRACE, and a second Rack', async () => {
    const running = await startEcho()
    const trace = handshake(running, { line: 'TRACE /instances/i-1/shell HTTP/1.1' })
    expect(await until(running, trace, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 4/)
    const twice = handshake(running, { rack: 'other/prod' })
    expect(await until(running, twice, '\x82\x00')).toContain(
      'ERROR: the header rack was sent twice',
    )
    expect(heard).toEqual([])
  })
})

describe('a handshake that is sound', () => {
  it('is taken in any case of its words', async () => {
    const running = await startEcho()
    const bytes = handshake(running, { Upgrade: 'WebSocket', Connection: 'keep-alive, upgrade' })
    expect(await until(running, bytes, '\r\n\r\n')).toMatch(/^HTTP\/1\.1 101 /)
  })

  it('shows the Rack its own origin, whatever the client’s: gen1 Racks refuse who shows none', async () => {
    const running = await startEcho()
    for (const Origin of [undefined, 'https://localhost', 'https://elsewhere.example']) {
      await until(running, handshake(running, { Origin }), '\r\n\r\n')
    }
    expect(heard.map(({ headers }) => headers.origin)).toEqual(Array(3).fill(running.rack.url))
    for (const { headers } of heard) expect(headers.origin).toBe(`https://${headers.host}`)
  })

  it('loses no byte that came with it, or that came with the answer, in either direction', async () => {
    const running = await startEcho('early')
    const said = await until(running, `${handshake(running)}at once \xff`, 'at once \xff')
    const [head, body] = said.split('\r\n\r\n')
    expect(body).toBe('earlyat once \xff')
    expect(head).not.toContain('Set-Cookie')
  })

  it('passes on an option header byte for byte', async () => {
    const running = await startEcho()
    const command = Buffer.from('echo grüße').toString('latin1')
    await until(running, handshake(running, { Command: command }), '\r\n\r\n')
    expect(heard[0]?.headers.command).toBe(command)
  })

  it('brings the Rack each frame in one piece, as old official ones need it', async () => {
    const pieces: number[] = []
    const frames = 300
    let arrived = (): void => undefined
    const all = new Promise<void>((resolve) => {
      arrived = resolve
    })
    proxied = await startProxiedRack({
      upgrade: (_request, socket) => {
        socket.on('error', () => undefined)
        socket.on('data', (chunk: Buffer) => {
          pieces.push(chunk.length)
          if (pieces.reduce((sum, length) => sum + length) === frames * FRAME.length) arrived()
        })
        socket.write(
          'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
            `Sec-WebSocket-Accept: ${ACCEPT}\r\n\r\n`,
        )
      },
    })
    const socket = connect(proxied.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(Buffer.concat([Buffer.from(handshake(proxied)), ...Array(frames).fill(FRAME)]))
    await all
    for (const length of pieces) expect(length % FRAME.length).toBe(0)
    socket.destroy()
  })

  it('ends at the Rack when the client has said its last', async () => {
    const ended = new Promise<void>((resolve) => {
      void startEcho().then((running) => {
        const socket = connect(running.port, '127.0.0.1')
        socket.write(handshake(running))
        socket.once('data', () => socket.end())
        socket.once('close', () => resolve())
      })
    })
    await ended
    await expect.poll(() => proxied?.auditRows()).toHaveLength(2)
  })
})
