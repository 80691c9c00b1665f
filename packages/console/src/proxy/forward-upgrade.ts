/**
 * Step 5 for WebSockets: the handshake is repeated towards the Rack, then bytes are piped raw both
 * ways, so frames, pings and whatever a client invents arrive as they were sent.
 */
import { createHash } from 'node:crypto'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { KeyrackError } from '@keyrack/protocol'
import type { RackEntry } from '../directory.ts'
import { describeFailure } from './describe-failure.ts'
import { displayName } from './find-rack.ts'
import { rackRefusal } from './forward.ts'
import type { RackConnections } from './rack-connections.ts'
import { writeWholeFrames } from './write-whole-frames.ts'

/** RFC 6455 1.3. */
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const HANDSHAKE_TIMEOUT_MS = 30_000
/** How long one side may take to close after the other's end, before its socket is dropped. */
const CLOSE_TIMEOUT_MS = 30_000

export interface ForwardedUpgrade {
  rack: RackEntry
  target: string
  headers: string[]
}

/** An upgraded connection, and what came with the head. */
export interface UpgradedSocket {
  socket: Duplex
  head: Buffer
}

/** The Rack's side of the WebSocket, after its 101; throws what the client is to be told. */
export async function upgradeAtRack(
  client: IncomingMessage,
  connections: RackConnections,
  { rack, target, headers }: ForwardedUpgrade,
  signal: AbortSignal,
): Promise<UpgradedSocket> {
  const rackName = displayName(rack)
  const url = new URL(rack.url === '' ? 'https://rack.invalid' : rack.url)
  const tls = await connections.connect(rack, signal).catch((error: unknown) => {
    throw describeFailure(error, rackName)
  })
  return new Promise<UpgradedSocket>((resolve, reject) => {
    const hop = ['Host', url.host, 'Connection', 'Upgrade', 'Upgrade', 'websocket']
    const handshake = httpRequest({
      method: 'GET',
      path: target,
      // The Rack's own, never the client's: Racks of the first generation refuse who shows none.
      headers: [...hop, 'Origin', url.origin, ...headers],
      createConnection: () => tls,
      signal,
    })
    const fail = (error: Error): void => {
      tls.destroy()
      reject(describeFailure(error, rackName))
    }
    handshake.setTimeout(HANDSHAKE_TIMEOUT_MS, () =>
      fail(new KeyrackError('timeout', `${rackName} did not answer in time`)),
    )
    handshake.once('error', fail)
    handshake.once('response', (response) => {
      response.resume()
      fail(rackRefusal(response.statusCode ?? 0, rackName) ?? declined(rackName, response))
    })
    handshake.once('upgrade', (response, socket, head) => {
      if (response.headers['sec-websocket-accept'] !== acceptValue(client)) {
        fail(new KeyrackError('rack-broken', `${rackName} answered a handshake of somebody else`))
        return
      }
      handshake.setTimeout(0)
      handshake.off('error', fail)
      resolve({ socket, head })
    })
    handshake.end()
  })
}

function declined(rackName: string, response: IncomingMessage): KeyrackError {
  return response.statusCode === 404
    ? new KeyrackError('not-found', `${rackName} does not know this stream`)
    : new KeyrackError('rack-broken', `${rackName} refused the stream with ${response.statusCode}`)
}

function acceptValue(client: IncomingMessage): string {
  const key = client.headers['sec-websocket-key'] ?? ''
  return createHash('sha1').update(`${key}${HANDSHAKE_GUID}`).digest('base64')
}

/** Answers the client's handshake and joins both sides until either ends. */
export function joinSockets(
  client: IncomingMessage,
  { socket: clientSocket, head: clientHead }: UpgradedSocket,
  rack: UpgradedSocket,
  requestId: string,
): Promise<void> {
  clientSocket.write(
    [
      'HTTP/1.1 101 Switching Protocols',
      'Upgrade: websocket',
      'Connection: Upgrade',
      `Sec-WebSocket-Accept: ${acceptValue(client)}`,
      `Request-Id: ${requestId}`,
      '\r\n',
    ].join('\r\n'),
  )
  if (rack.head.length > 0) clientSocket.write(rack.head)
  const toRack = writeWholeFrames(rack.socket)
  toRack.once('error', () => rack.socket.destroy())
  if (clientHead.length > 0) toRack.write(clientHead)
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined
    const letGo = (): void => {
      timer ??= setTimeout(() => clientSocket.destroy(), CLOSE_TIMEOUT_MS)
    }
    // The client left: the Rack must stop its work now.
    clientSocket.once('error', () => clientSocket.destroy())
    clientSocket.once('close', () => {
      clearTimeout(timer)
      rack.socket.destroy()
      resolve()
    })
    // It has no more to say, and the Rack is told so; most clients that leave look like this.
    clientSocket.once('end', letGo)
    // The Rack ended: what it said last is still delivered, then the client is let go.
    rack.socket.once('error', () => rack.socket.destroy())
    rack.socket.once('close', () => {
      clientSocket.end()
      clientSocket.resume()
      letGo()
    })
    rack.socket.pipe(clientSocket)
    clientSocket.pipe(toRack)
  })
}
