import { fork } from 'node:child_process'
import { once } from 'node:events'
import { request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'
import { type ProxiedRack, startProxiedRack } from './testing/proxied-rack.ts'
import type { Report } from './testing/streaming-process.ts'

const PROCESS = fileURLToPath(
  new URL('../../dist/proxy/testing/streaming-process.js', import.meta.url),
)
const GIB = 1024 ** 3
const MB = 1e6

let proxied: ProxiedRack | undefined

afterEach(async () => {
  await proxied?.close()
  proxied = undefined
})

function head({ authorization }: ProxiedRack, line: string, extra: string[] = []): string {
  const lines = [line, 'Host: localhost', `Authorization: ${authorization}`, 'Rack: acme/dev']
  return `${[...lines, ...extra].join('\r\n')}\r\n\r\n`
}

/** A promise and its ends. */
function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}

describe('a stream through the proxy', () => {
  it('of 1 GiB each way raises memory by less than 150 MB', async () => {
    const child = fork(PROCESS, {
      // Compiled code, without the test runner's conditions.
      execArgv: [],
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    })
    const report = async () => (await once(child, 'message'))[0] as Report
    const memory = async () => {
      const answered = report()
      child.send('memory')
      return (await answered) as { rss: number; peak: number }
    }
    const started = (await report()) as { port: number; authorization: string }
    const headers = { Authorization: started.authorization, Rack: 'acme/dev', Host: 'localhost' }
    const send = (method: string, path: string, extra: Record<string, string>) =>
      httpRequest({ port: started.port, method, path, headers: { ...headers, ...extra } })
    const answerOf = async (outgoing: ReturnType<typeof send>) =>
      (await once(outgoing, 'response'))[0] as IncomingMessage

    const zeros = function* (): Generator<Buffer> {
      const chunk = Buffer.alloc(1024 * 1024)
      for (let sent = 0; sent < GIB; sent += chunk.length) yield chunk
    }
    try {
      const warm = send('GET', '/apps/a/objects/x', { Range: 'bytes=0-1000000' }).end()
      for await (const _ of await answerOf(warm));
      const before = (await memory()).rss

      const upload = send('POST', '/apps/a/objects/x', { 'Content-Type': 'application/x-tar' })
      const uploaded = answerOf(upload)
      await pipeline(Readable.from(zeros()), upload)
      let said = ''
      for await (const chunk of await uploaded) said += chunk
      expect(said).toBe(String(GIB))
      expect(((await memory()).peak - before) / MB).toBeLessThan(150)

      const download = send('GET', '/apps/a/objects/x', { Range: `bytes=0-${GIB}` }).end()
      let received = 0
      for await (const chunk of await answerOf(download)) received += chunk.length
      expect(received).toBe(GIB)
      expect(((await memory()).peak - before) / MB).toBeLessThan(150)
    } finally {
      child.disconnect()
      await once(child, 'exit')
    }
  }, 120_000)

  it('gives its head at once, though its first byte is far away', async () => {
    const answered = deferred<ServerResponse>()
    proxied = await startProxiedRack({
      request: (_request, answer) => {
        answer.writeHead(200, { 'Content-Type': 'text/plain' }).flushHeaders()
        answered.resolve(answer)
      },
    })
    const socket = connect(proxied.port, '127.0.0.1')
    socket.write(head(proxied, 'GET /apps/a/builds/B1 HTTP/1.1'))
    const [first] = await once(socket, 'data')
    expect(String(first)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    const answer = await answered.promise
    answer.write('line 1\n')
    expect(String((await once(socket, 'data'))[0])).toContain('line 1')
    answer.end('line 2\n')
    expect(String((await once(socket, 'data'))[0])).toContain('line 2')
    socket.destroy()
  }, 600_000)

  it('does not hold back other requests, however many stay open', async () => {
    const open: ServerResponse[] = []
    proxied = await startProxiedRack({
      request: (request, answer) => {
        if (request.url !== '/apps/a/builds/B1') {
          answer.end('ok\n')
          return
        }
        answer.writeHead(200).flushHeaders()
        open.push(answer)
      },
    })
    const running = proxied
    const sockets = await Promise.all(
      Array.from({ length: 200 }, async () => {
        const socket = connect(running.port, '127.0.0.1')
        socket.write(head(running, 'GET /apps/a/builds/B1 HTTP/1.1'))
        await once(socket, 'data')
        return socket
      }),
    )
    const other = connect(running.port, '127.0.0.1')
    other.write(head(running, 'GET /system HTTP/1.1'))
    expect(String((await once(other, 'data'))[0])).toMatch(/^HTTP\/1\.1 200 OK/)
    expect(open).toHaveLength(200)
    for (const socket of [...sockets, other]) socket.destroy()
  })
})

describe('when one side goes away', () => {
  it('the Rack hears that the client did, while it is still answering', async () => {
    const gone = deferred<void>()
    proxied = await startProxiedRack({
      request: (_request, answer) => {
        answer.writeHead(200).flushHeaders()
        answer.once('close', () => gone.resolve())
      },
    })
    const socket = connect(proxied.port, '127.0.0.1')
    socket.write(head(proxied, 'GET /apps/a/builds/B1 HTTP/1.1'))
    await once(socket, 'data')
    socket.destroy()
    await gone.promise
  })

  it('the Rack hears that the client did, before anything was answered', async () => {
    const [arrived, gone] = [deferred<void>(), deferred<void>()]
    proxied = await startProxiedRack({
      request: (_request, answer) => {
        answer.once('close', () => gone.resolve())
        arrived.resolve()
      },
    })
    const socket = connect(proxied.port, '127.0.0.1')
    socket.write(head(proxied, 'GET /system HTTP/1.1'))
    await arrived.promise
    socket.destroy()
    await gone.promise
  })

  it('the Rack hears that the client did, in the middle of an upload', async () => {
    const [arrived, gone] = [deferred<void>(), deferred<string>()]
    proxied = await startProxiedRack({
      request: (request) => {
        request.once('data', () => arrived.resolve())
        request.once('error', (error) => gone.resolve(error.message))
      },
    })
    const socket = connect(proxied.port, '127.0.0.1')
    const upload = ['Content-Length: 1000', 'Content-Type: application/x-tar']
    socket.write(`${head(proxied, 'POST /apps/a/objects/x HTTP/1.1', upload)}part`)
    await arrived.promise
    socket.destroy()
    expect(await gone.promise).toBe('aborted')
    await expect
      .poll(() => proxied?.auditRows())
      .toEqual([
        { phase: 'started', action: 'objects.store', status: null, note: null },
        { phase: 'finished', action: 'objects.store', status: 499, note: 'the client went away' },
      ])
  })

  it.each([
    ['with a length', { 'Content-Length': '100' }],
    ['in chunks', {}],
  ])('the client sees that an answer %s was cut, never a short success', async (_how, headers) => {
    proxied = await startProxiedRack({
      request: (_request, answer) => {
        answer.writeHead(200, headers)
        answer.write('only part', () => answer.socket?.destroy())
      },
    })
    const { port, authorization } = proxied
    const outgoing = httpRequest({
      port,
      path: '/system',
      headers: { Authorization: authorization, Rack: 'acme/dev' },
    }).end()
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    await expect(
      (async () => {
        for await (const _ of answer);
      })(),
    ).rejects.toThrow('aborted')
  })

  it('the client is told that the Rack hung up before answering', async () => {
    proxied = await startProxiedRack({ request: (request) => request.socket.destroy() })
    const socket = connect(proxied.port, '127.0.0.1')
    socket.write(head(proxied, 'POST /apps HTTP/1.1', ['Content-Length: 0']))
    const text = String((await once(socket, 'data'))[0])
    expect(text).toMatch(/^HTTP\/1\.1 502 /)
    socket.destroy()
    expect(await proxied.auditRows()).toEqual([
      { phase: 'started', action: 'apps.create', status: null, note: null },
      { phase: 'finished', action: 'apps.create', status: 502, note: 'rack-broken' },
    ])
  })
})

describe('a connection that was kept', () => {
  it('and closed by the Rack in the meantime costs a read nothing', async () => {
    let requests = 0
    proxied = await startProxiedRack({
      request: (request, answer) => {
        requests += 1
        // The second request on a connection finds it closing, as after an idle time.
        if (request.socket.bytesRead > 1000 || requests === 2) request.socket.destroy()
        else answer.end('ok\n')
      },
    })
    const running = proxied
    const status = async () => {
      const socket = connect(running.port, '127.0.0.1')
      socket.write(head(running, 'GET /system HTTP/1.1', ['Connection: close']))
      const text = String((await once(socket, 'data'))[0])
      socket.destroy()
      return text.slice(9, 12)
    }
    expect(await status()).toBe('200')
    expect(await status()).toBe('200')
    expect(requests).toBe(3)
  })

  it('is never used twice for a write that may have taken effect', async () => {
    let requests = 0
    proxied = await startProxiedRack({
      request: (request) => {
        requests += 1
        request.socket.destroy()
      },
    })
    const socket = connect(proxied.port, '127.0.0.1')
    socket.write(head(proxied, 'DELETE /instances/i-1 HTTP/1.1'))
    expect(String((await once(socket, 'data'))[0])).toMatch(/^HTTP\/1\.1 502 /)
    expect(requests).toBe(1)
    socket.destroy()
  })
})

describe('reads and writes on record', () => {
  it('a read leaves no row, a write leaves two', async () => {
    proxied = await startProxiedRack({ request: (_request, answer) => answer.end('ok\n') })
    for (const line of ['GET /system HTTP/1.1', 'DELETE /instances/i-1 HTTP/1.1']) {
      const socket = connect(proxied.port, '127.0.0.1')
      socket.write(head(proxied, line, ['Connection: close']))
      socket.resume()
      await once(socket, 'close')
    }
    expect(await proxied.auditRows()).toEqual([
      { phase: 'started', action: 'instances.terminate', status: null, note: null },
      { phase: 'finished', action: 'instances.terminate', status: 200, note: null },
    ])
  })
})
