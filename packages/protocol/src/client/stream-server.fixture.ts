import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { FRAME_SOCKET_OPTIONS, FrameStream } from '../stream.ts'
import type { TestCertificate } from './tls-server.fixture.ts'

export interface StreamServer extends AsyncDisposable {
  port: number
  url: string
  /** Head lines of the upgrade requests. */
  heads: Array<{ url: string | undefined; headers: Record<string, string | string[] | undefined> }>
}

/**
 * A real HTTPS server whose upgrades become FrameStreams; other requests are answered with `{}`.
 * `header` is a line of both kinds of answers.
 */
export async function openStreamServer(
  { cert, key }: TestCertificate,
  serve: (stream: FrameStream) => void,
  header?: string,
): Promise<StreamServer> {
  const server = createServer({ cert, key }, (_request, answer) => {
    const [name, value] = header?.split(': ') ?? []
    if (name !== undefined && value !== undefined) answer.setHeader(name, value)
    answer.writeHead(200, { 'Content-Length': 2 }).end('{}')
  })
  const sockets = new WebSocketServer({ noServer: true, ...FRAME_SOCKET_OPTIONS })
  if (header !== undefined) sockets.on('headers', (headers) => headers.push(header))
  const open = new Set<Duplex>()
  const heads: StreamServer['heads'] = []
  server.on('secureConnection', (socket: Socket) => open.add(socket))
  server.on('upgrade', (request, socket, head) => {
    heads.push({ url: request.url, headers: request.headers })
    sockets.handleUpgrade(request, socket, head, (ws) => serve(new FrameStream(ws, { socket })))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `https://127.0.0.1:${port}`,
    heads,
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy()
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
