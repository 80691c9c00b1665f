import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { Duplex } from 'node:stream'
import { EXIT_MARKER, exitWith, FRAME_SOCKET_OPTIONS, FrameStream } from '@keyrack/protocol'
import { createClient } from '@keyrack/protocol/client'
import { Secret } from '@keyrack/secrets'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { type ProxiedRack, type RackBehaviour, startProxiedRack } from './testing/proxied-rack.ts'

let proxied: ProxiedRack | undefined

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
})

const frames = new WebSocketServer({ noServer: true, ...FRAME_SOCKET_OPTIONS })

/** A Rack that speaks frames as official ones do. */
function speaking(
  talk: (stream: FrameStream, request: IncomingMessage) => void,
): NonNullable<RackBehaviour['upgrade']> {
  return (request, socket, head) => {
    frames.handleUpgrade(request, socket, head, (ws) =>
      talk(new FrameStream(ws, { socket }), request),
    )
  }
}

function open(
  running: ProxiedRack,
  path: string,
  options: Partial<{ key: Secret; rack: string }> = {},
) {
  return createClient({
    url: `http://127.0.0.1:${running.port}`,
    password: options.key ?? running.userKey,
    rack: options.rack ?? 'acme/dev',
    version: 'dev',
  }).stream(path, { Command: 'id', Height: '40', Width: '100' })
}

async function all(stream: Duplex): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

describe('a WebSocket through the proxy', () => {
  it('carries bytes, end and exit code both ways, with the options of its route', async () => {
    let asked: IncomingMessage | undefined
    proxied = await startProxiedRack({
      upgrade: speaking(async (stream, request) => {
        asked = request
        const input = await all(stream)
        stream.write(Buffer.concat([Buffer.from('got '), input]))
        exitWith(stream, 7)
      }),
    })
    const stream = await open(proxied, '/instances/i-1/shell')
    const sent = Buffer.from([0x50, 0x00, 0xff, 0xfe, 0x41])
    stream.end(sent)
    const answer = await all(stream)
    expect(answer.subarray(0, 9)).toEqual(Buffer.concat([Buffer.from('got '), sent]))
    expect(answer.subarray(9).toString()).toBe(`${EXIT_MARKER}7\n`)
    expect(asked?.headers).toMatchObject({ command: 'id', height: '40', width: '100' })
    expect(asked?.headers.authorization).toBe(`Basic ${btoa(`convox:${proxied.rackKey.reveal()}`)}`)
    expect(asked?.headers.origin).toBe(proxied.rack.url)
    expect(asked?.headers.rack).toBeUndefined()
    // One name for the request, here and at the Rack.
    expect(stream.requestId).toMatch(/./)
    expect(stream.requestId).toBe(asked?.headers['request-id'])
    await expect
      .poll(() => proxied?.auditRows())
      .toEqual([
        { phase: 'started', action: 'instances.shell', status: null, note: null },
        { phase: 'finished', action: 'instances.shell', status: 101, note: null },
      ])
  })

  it('loses nothing of 20 MB that come just before the end', async () => {
    const bytes = Buffer.alloc(20_000_000, 'x')
    proxied = await startProxiedRack({
      upgrade: speaking((stream) => {
        stream.resume()
        stream.end(bytes)
      }),
    })
    const stream = await open(proxied, '/system/logs')
    const hash = createHash('sha256')
    for await (const chunk of stream) hash.update(chunk)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(bytes).digest('hex'))
  })

  it('ends at the Rack when the client goes away', async () => {
    let cut: () => void = () => undefined
    const gone = new Promise<void>((resolve) => {
      cut = resolve
    })
    proxied = await startProxiedRack({
      upgrade: speaking((stream) => {
        stream.resume()
        stream.write('hello')
        stream.once('close', cut)
      }),
    })
    const stream = await open(proxied, '/instances/i-1/shell')
    await once(stream, 'data')
    stream.destroy()
    await gone
  })

  it('breaks off for the client when the Rack dies: never a quiet end', async () => {
    proxied = await startProxiedRack({
      upgrade: (request, socket, head) => {
        frames.handleUpgrade(request, socket, head, () => (socket as Duplex).destroy())
      },
    })
    const stream = await open(proxied, '/system/logs')
    await expect(all(stream)).rejects.toThrow('lost')
  })
})

describe('a refused WebSocket is upgraded and told why', () => {
  async function refusal(
    path: string,
    options: Partial<{ key: Secret; rack: string }> = {},
    behaviour: RackBehaviour = {},
  ): Promise<string> {
    proxied = await startProxiedRack(behaviour)
    const stream = await open(proxied, path, options)
    stream.end()
    return (await all(stream)).toString()
  }

  it('a wrong key: the reason and the exit marker 1', async () => {
    const said = await refusal('/instances/i-1/shell', { key: Secret.of('nope') })
    expect(said).toMatch(new RegExp(`^ERROR: invalid authentication.*\n${EXIT_MARKER}1\n$`))
  })

  it('a stream without exit code gets no marker', async () => {
    const said = await refusal('/system/logs', { rack: 'other/prod' })
    expect(said).toMatch(/^ERROR: could not find rack: other\/prod.*\n$/)
  })

  it('a role that may not run code', async () => {
    const said = await refusal('/instances/i-1/shell', {}, { role: 'developer' })
    expect(said).toContain('your role does not allow instances.shell on acme/dev')
    expect(said).toContain(`${EXIT_MARKER}1\n`)
  })

  it('a Rack that is down', async () => {
    const said = await refusal(
      '/instances/i-1/shell',
      {},
      { entry: { url: 'https://127.0.0.1:1' } },
    )
    expect(said).toContain('ERROR: acme/dev cannot be reached')
    expect(said).toContain(`${EXIT_MARKER}1\n`)
  })

  it('a Rack with another certificate', async () => {
    const said = await refusal('/instances/i-1/shell', {}, { entry: { pin: '0'.repeat(64) } })
    expect(said).toContain('another certificate')
  })

  it('a Rack that refuses the key that Console holds', async () => {
    const said = await refusal(
      '/instances/i-1/shell',
      {},
      {
        upgrade: (_request, socket) => {
          socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n')
        },
      },
    )
    expect(said).toContain('ERROR: acme/dev refused the key')
  })

  it('a Rack that answers somebody else’s handshake', async () => {
    const said = await refusal(
      '/system/logs',
      {},
      {
        upgrade: (_request, socket) => {
          socket.write(
            'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
              'Sec-WebSocket-Accept: AAAA\r\n\r\n',
          )
        },
      },
    )
    expect(said).toContain('ERROR: acme/dev answered a handshake of somebody else')
  })

  it('and the socket is let go at its end', async () => {
    proxied = await startProxiedRack()
    const socket = connect(proxied.port, '127.0.0.1')
    const key = Buffer.alloc(16, 7).toString('base64')
    socket.write(
      [
        'GET /instances/i-1/shell HTTP/1.1',
        ...['Host: localhost', 'Connection: Upgrade', 'Upgrade: websocket'],
        ...['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`],
        '\r\n',
      ].join('\r\n'),
    )
    const chunks: Buffer[] = []
    socket.on('data', (chunk) => chunks.push(chunk))
    await once(socket, 'end')
    socket.destroy()
    const [head, body] = Buffer.concat(chunks).toString('latin1').split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    expect(head).toMatch(/^Request-Id: \S+$/m)
    // Text frame with the reason, text frame with the marker, empty binary frame; no Close frame.
    expect(body?.startsWith('\x81')).toBe(true)
    expect(body?.endsWith(`\x81\x27${EXIT_MARKER}1\n\x82\x00`)).toBe(true)
  })
})

describe('an open stream', () => {
  it.each([
    ['a role that may no more', 'viewer'],
    ['no membership any more', undefined],
  ] as const)('is cut at once on both sides by %s', async (_, role) => {
    let rackSide: FrameStream | undefined
    proxied = await startProxiedRack({
      upgrade: speaking((stream) => {
        rackSide = stream
        stream.on('error', () => undefined)
        stream.resume()
        stream.write('ready')
      }),
    })
    const stream = await open(proxied, '/instances/i-1/shell')
    stream.on('error', () => undefined)
    await once(stream, 'data')
    const closed = (side: Duplex | undefined) =>
      new Promise((resolve) => side?.once('close', resolve))
    const ends = Promise.all([closed(stream), closed(rackSide)])
    proxied.giveRole('operator')
    expect(stream.destroyed).toBe(false)
    proxied.giveRole(role)
    await ends
  })
})
