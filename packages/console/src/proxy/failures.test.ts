import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { loadCertificate } from '@keyrack/server'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'
import { parseAnswer } from './testing/raw-request.ts'

let proxied: ProxiedRack | undefined

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
})

function deferred<T = void>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

function head({ authorization }: ProxiedRack, line: string, ...extra: string[]): string {
  const known = ['Host: localhost', `Authorization: ${authorization}`, 'Rack: acme/dev']
  return `${[`${line} HTTP/1.1`, ...known, ...extra].join('\r\n')}\r\n\r\n`
}

function dial(running: ProxiedRack): { socket: Socket; until: (text: string) => Promise<string> } {
  const socket = connect(running.port, '127.0.0.1')
  socket.on('error', () => undefined)
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk.toString('latin1')
  })
  const until = async (text: string): Promise<string> => {
    while (!said.includes(text)) {
      if (socket.closed) throw new Error(`closed after: ${said}`)
      await Promise.race([once(socket, 'data'), once(socket, 'close')])
    }
    return said
  }
  return { socket, until }
}

/** The whole answer, read until the other side closes. */
async function ask(running: ProxiedRack, line: string, ...extra: string[]): Promise<string> {
  const { socket } = dial(running)
  let said = ''
  socket.on('data', (chunk) => {
    said += chunk.toString('latin1')
  })
  socket.write(head(running, line, 'Connection: close', ...extra))
  await once(socket, 'close')
  return said
}

function acceptOf({ headers }: IncomingMessage): string {
  const key = `${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`
  return createHash('sha1').update(key).digest('base64')
}

const CHUNK = Buffer.alloc(64 * 1024, 'x')

describe('a Rack that answers before it has the whole upload', () => {
  const answers: Array<
    [string, number, (request: IncomingMessage, answer: ServerResponse) => void]
  > = [
    ['with a refusal', 413, (_request, answer) => answer.writeHead(413).end('too large\n')],
    [
      'and closes',
      403,
      (_request, answer) => {
        answer.writeHead(403, { Connection: 'close' }).end('no\n')
      },
    ],
    [
      'with 401, which the client sees as 502',
      502,
      (_request, answer) => answer.writeHead(401).end(),
    ],
    ['by hanging up, which is a 502', 502, (request) => request.socket.destroy()],
  ]
  for (const [name, status, behave] of answers) {
    it(`${name}: the client gets the answer, and its connection lives`, async () => {
      proxied = await startProxiedRack({
        request: (request, answer) => {
          if (request.method === 'GET') answer.end('ok\n')
          else request.once('data', () => behave(request, answer))
        },
      })
      const { socket, until } = dial(proxied)
      const length = CHUNK.length * 64
      const type = 'Content-Type: application/x-tar'
      socket.write(head(proxied, 'POST /apps/a/objects/x', `Content-Length: ${length}`, type))
      socket.write(CHUNK)
      const said = await until('\r\n\r\n')
      expect(said).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      for (let sent = CHUNK.length; sent < length; sent += CHUNK.length) socket.write(CHUNK)
      socket.write(head(proxied, 'GET /system'))
      await until('HTTP/1.1 200 OK')
      socket.destroy()
    })
  }

  it('streams both ways at once', async () => {
    proxied = await startProxiedRack({
      request: (request, answer) => {
        answer.writeHead(200).flushHeaders()
        request.pipe(answer)
      },
    })
    const { socket, until } = dial(proxied)
    socket.write(head(proxied, 'POST /apps/a/objects/x', 'Transfer-Encoding: chunked'))
    socket.write('5\r\nfirst\r\n')
    await until('first')
    socket.write('6\r\nsecond\r\n0\r\n\r\n')
    await until('0\r\n\r\n')
    socket.destroy()
  })
})

describe('a client that leaves', () => {
  it('while its request is about to be put on record: nothing is sent', async () => {
    let requests = 0
    proxied = await startProxiedRack({
      request: () => {
        requests += 1
      },
    })
    const running = proxied
    const [held, free] = [deferred(), deferred()]
    const transaction = running.store.transaction(async () => {
      held.resolve()
      await free.promise
    })
    await held.promise
    const { socket } = dial(running)
    socket.write(head(running, 'DELETE /instances/i-1'))
    await expect.poll(() => running.clients()).toBe(1)
    socket.destroy()
    await expect.poll(() => running.clients()).toBe(0)
    free.resolve()
    await transaction
    await expect.poll(() => running.auditRows()).toHaveLength(2)
    expect((await running.auditRows())[1]).toMatchObject({ status: 499 })
    expect(requests).toBe(0)
  })

  it('with pipelined requests: each is ended, none is waited for for ever', async () => {
    const arrived: string[] = []
    proxied = await startProxiedRack({
      request: (request, answer) => {
        arrived.push(request.url ?? '')
        if (request.url !== '/instances/i-1') answer.end('ok\n')
      },
    })
    const { socket } = dial(proxied)
    const lines = ['DELETE /instances/i-1', 'DELETE /instances/i-2', 'DELETE /instances/i-3']
    for (const line of lines) socket.write(head(proxied, line))
    await expect.poll(() => arrived).toHaveLength(3)
    socket.destroy()
    await expect.poll(() => proxied?.auditRows()).toHaveLength(6)
  })

  it('when the Rack is done but the client has not read: the end is on record', async () => {
    const answered = deferred()
    const megabytes = Buffer.alloc(8 * 1024 * 1024, 'y')
    proxied = await startProxiedRack({
      request: (_request, answer) => answer.end(megabytes, () => answered.resolve()),
    })
    const socket = connect(proxied.port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(head(proxied, 'POST /apps', 'Content-Length: 0'))
    // Never read until there is plenty, then gone.
    await once(socket, 'readable')
    socket.destroy()
    await expect.poll(() => proxied?.auditRows()).toHaveLength(2)
  })

  it('in the middle of a guarded form is nobody’s failure', async () => {
    proxied = await startProxiedRack({ request: (_request, answer) => answer.end() })
    const running = proxied
    const { socket } = dial(running)
    const form = 'Content-Type: application/x-www-form-urlencoded'
    socket.write(`${head(running, 'PUT /system', form, 'Content-Length: 50')}count=`)
    await expect.poll(() => running.clients()).toBe(1)
    socket.destroy()
    await expect.poll(() => running.clients()).toBe(0)
    await running.proxy.close()
    expect(running.answeredErrors).toEqual([])
    expect(await running.auditRows()).toEqual([])
  })
})

describe('what is on record', () => {
  it('is never sent twice, also when it is a GET', async () => {
    let requests = 0
    proxied = await startProxiedRack({
      request: (request) => {
        requests += 1
        request.socket.destroy()
      },
    })
    expect(await ask(proxied, 'GET /system/sync/whitelist/instances/ip')).toMatch(
      /^HTTP\/1\.1 502 /,
    )
    expect(await ask(proxied, 'GET /nobody/knows/this')).toMatch(/^HTTP\/1\.1 502 /)
    expect(requests).toBe(2)
    expect(await ask(proxied, 'GET /system')).toMatch(/^HTTP\/1\.1 502 /)
    expect(requests).toBe(4)
  })

  it('is not sent at all when it cannot be recorded', async () => {
    let requests = 0
    proxied = await startProxiedRack({
      request: () => {
        requests += 1
      },
    })
    await proxied.store.close()
    expect(await ask(proxied, 'DELETE /instances/i-1')).toMatch(/^HTTP\/1\.1 500 /)
    expect(requests).toBe(0)
  })

  it('and whose end cannot be recorded: the answer stands, the failure is told', async () => {
    proxied = await startProxiedRack({
      request: async (_request, answer) => {
        await proxied?.store.close()
        answer.end('done\n')
      },
    })
    const said = await ask(proxied, 'DELETE /instances/i-1')
    expect(said).toMatch(/^HTTP\/1\.1 200 /)
    expect(parseAnswer(said).body).toBe('done\n')
    await expect.poll(() => proxied?.failures).toHaveLength(1)
  })
})

describe('the rights of a person', () => {
  it('are looked at again when a guarded form has arrived', async () => {
    let requests = 0
    proxied = await startProxiedRack({
      request: () => {
        requests += 1
      },
    })
    const running = proxied
    const { socket, until } = dial(running)
    const form = 'Content-Type: application/x-www-form-urlencoded'
    socket.write(`${head(running, 'PUT /system', form, 'Content-Length: 7')}count`)
    await expect.poll(() => running.clients()).toBe(1)
    running.believe({ organization: { id: 'org-2', name: 'acme' } })
    socket.write('=3')
    expect(await until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 404 /)
    socket.destroy()
    expect(requests).toBe(0)
  })
})

describe('a Rack that is moved or trusted anew', () => {
  it('hears nothing more over connections of before', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'keyrack-other-'))
    const other = await loadCertificate({ folder, names: [] })
    let old = 0
    proxied = await startProxiedRack({
      request: (_request, answer) => {
        old += 1
        answer.end('old\n')
      },
    })
    const server = createTlsServer({ cert: other.cert, key: other.key.reveal() }, (_, answer) =>
      answer.writeHead(200, { Connection: 'close' }).end('new\n'),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      expect(await ask(proxied, 'GET /system')).toContain('old')
      // Same address, other pin: the kept connection was verified by a pin that counts no more.
      proxied.believe({ pin: other.fingerprint })
      expect(await ask(proxied, 'GET /system')).toMatch(/^HTTP\/1\.1 502 /)
      proxied.believe({
        pin: other.fingerprint,
        url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
      })
      expect(await ask(proxied, 'GET /system')).toContain('new')
      expect(old).toBe(1)
    } finally {
      server.closeAllConnections()
      server.close()
      await rm(folder, { recursive: true })
    }
  })
})

describe('closing', () => {
  it('ends what streams, also over connections of before, and records it', async () => {
    const sockets: Duplex[] = []
    proxied = await startProxiedRack({
      request: (_request, answer) => answer.writeHead(200).flushHeaders(),
      upgrade: (request, socket) => {
        sockets.push(socket)
        socket.on('error', () => undefined)
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
            `Sec-WebSocket-Accept: ${acceptOf(request)}\r\n\r\n`,
        )
      },
    })
    const running = proxied
    const download = dial(running)
    download.socket.write(head(running, 'GET /apps/a/processes/p/files'))
    await download.until('\r\n\r\n')
    running.believe({
      local: true,
      pin: running.rack.pin.toLowerCase(),
      url: `${running.rack.url}/`,
    })
    const second = dial(running)
    second.socket.write(head(running, 'GET /apps/b/processes/p/files'))
    await second.until('\r\n\r\n')
    const shell = dial(running)
    const key = `Sec-WebSocket-Key: ${Buffer.alloc(16, 1).toString('base64')}`
    const handshake = [
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      key,
    ]
    shell.socket.write(head(running, 'GET /instances/i-1/shell', ...handshake))
    await shell.until('\r\n\r\n')

    await running.proxy.close()
    expect(await running.auditRows()).toHaveLength(6)
    const late = dial(running)
    late.socket.write(head(running, 'GET /system'))
    expect(await late.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 503 /)
    for (const { socket } of [download, second, shell, late]) socket.destroy()
  })
})
