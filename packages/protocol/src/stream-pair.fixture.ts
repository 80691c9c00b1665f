import { type EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import WebSocket, { WebSocketServer } from 'ws'
import { FRAME_SOCKET_OPTIONS, FrameStream } from './stream.ts'

export interface StreamPair extends AsyncDisposable {
  /** Our end of the server. */
  server: FrameStream
  serverSocket: Socket
  /** The client's WebSocket, before anything listens to it. */
  clientSocket: WebSocket
}

/** A real HTTP server with one upgraded connection between `ws` and a server's FrameStream. */
export async function openPair(options: { frameBytesMax?: number } = {}): Promise<StreamPair> {
  const http = createServer()
  const sockets = new WebSocketServer({ noServer: true, ...FRAME_SOCKET_OPTIONS })
  const accepted = new Promise<[FrameStream, Socket]>((resolve) => {
    http.on('upgrade', (request, duplex, head) => {
      const socket = duplex as Socket
      sockets.handleUpgrade(request, socket, head, (ws) => {
        resolve([new FrameStream(ws, { socket, ...options }), socket])
      })
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  const clientSocket = new WebSocket(`ws://127.0.0.1:${port}`, FRAME_SOCKET_OPTIONS)
  clientSocket.on('error', () => {})
  const [[server, serverSocket]] = await Promise.all([accepted, once(clientSocket, 'open')])
  return {
    server,
    serverSocket,
    clientSocket,
    async [Symbol.asyncDispose]() {
      clientSocket.terminate()
      server.destroy()
      serverSocket.destroy()
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
}

/** Every frame that arrives, until the connection is closed. */
export async function framesOf(ws: WebSocket): Promise<Array<{ text: Buffer } | 'end'>> {
  const frames: Array<{ text: Buffer } | 'end'> = []
  ws.on('message', (data: Buffer, isBinary: boolean) => {
    frames.push(isBinary ? 'end' : { text: data })
  })
  await once(ws, 'close')
  return frames
}

/** Everything that can be read until the end; unlike a loop it leaves the stream as it is. */
export function readAll(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  return new Promise((resolve, reject) => {
    stream.on('data', (chunk: Buffer) => chunks.push(chunk))
    stream.once('end', () => resolve(Buffer.concat(chunks)))
    stream.once('error', reject)
  })
}

/** That the event happened, also when an error came first. */
export function happened(emitter: EventEmitter, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, () => resolve()))
}
