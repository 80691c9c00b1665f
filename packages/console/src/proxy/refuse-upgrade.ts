/**
 * A WebSocket that may not be: official clients show nothing of a refused handshake, so it is
 * accepted, told the reason, and ended (protocol.md 7.1). For exec and shell the exit marker says 1,
 * so that scripts see the failure.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import {
  errorText,
  FRAME_SOCKET_OPTIONS,
  FrameStream,
  failWith,
  type KeyrackError,
} from '@keyrack/protocol'
import { WebSocketServer } from 'ws'

const server = new WebSocketServer({ noServer: true, ...FRAME_SOCKET_OPTIONS })
const requestIds = new WeakMap<IncomingMessage, string>()
server.on('headers', (headers, request) => {
  const id = requestIds.get(request)
  if (id !== undefined) headers.push(`Request-Id: ${id}`)
})

export function refuseUpgrade(
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  error: KeyrackError,
  { exitCode, requestId }: { exitCode: boolean; requestId: string },
): void {
  requestIds.set(request, requestId)
  server.handleUpgrade(request, socket, head, (ws) => {
    const stream = new FrameStream(ws, { socket })
    stream.on('error', () => socket.destroy())
    // What the client still sends is read and dropped, or its TCP would reset our words away.
    stream.resume()
    failWith(stream, errorText(error), exitCode ? 1 : undefined)
  })
}
