import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import type { Duplex } from 'node:stream'

export interface ConnectProxy extends AsyncDisposable {
  port: number
  /** For `HTTPS_PROXY`, without a login. */
  url: string
  /** What clients asked for, `host:port`, and the `Proxy-Authorization` that came with it. */
  asked: { target: string; authorization: string | undefined }[]
  /** Every byte that clients sent through it, as Latin-1. */
  passed(): string
  /** How many connections of clients and to targets are open. */
  open(): number
}

export interface ConnectProxyOptions {
  /** The local port that stands for a target; undefined is refused with 403. */
  route(target: string): number | undefined
  /** `user:password` that it wants to be told; anything else is refused with 407. */
  login?: string
  /** Speaks TLS itself. */
  certificate?: { cert: string; key: string }
}

/** A proxy that connects (RFC 9110 9.3.6), for tests: every target stands for a port of this machine. */
export async function openConnectProxy(options: ConnectProxyOptions): Promise<ConnectProxy> {
  const { route, login, certificate } = options
  const asked: ConnectProxy['asked'] = []
  const open = new Set<Duplex>()
  const keep = (socket: Duplex): void => {
    open.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => open.delete(socket))
  }
  let passed = ''
  const server = certificate === undefined ? createServer() : createTlsServer(certificate)
  server.on('connection', keep)
  server.on('connect', (request: IncomingMessage, client: Duplex, head: Buffer) => {
    keep(client)
    const target = request.url ?? ''
    const authorization = request.headers['proxy-authorization']
    asked.push({ target, authorization })
    const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`
    if (wanted !== undefined && authorization !== wanted) {
      client.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
      return
    }
    const port = route(target)
    if (port === undefined) {
      client.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope')
      return
    }
    const upstream = connect(port, '127.0.0.1')
    keep(upstream)
    upstream.once('connect', () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      client.on('data', (chunk: Buffer) => {
        passed += chunk.toString('latin1')
      })
      client.pipe(upstream)
      upstream.pipe(client)
    })
    upstream.once('close', () => client.destroy())
    client.once('close', () => upstream.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `${certificate === undefined ? 'http' : 'https'}://127.0.0.1:${port}`,
    asked,
    passed: () => passed,
    open: () => open.size,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}
