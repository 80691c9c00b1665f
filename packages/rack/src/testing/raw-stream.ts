import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type TLSSocket } from 'node:tls'
import { basicHeader } from '@keyrack/protocol'
import { Secret } from '@keyrack/secrets'
import { onTestFinished } from 'vitest'

/** A TLS connection of one test. */
export async function openTls(
  port: number,
  options: { allowHalfOpen?: boolean } = {},
): Promise<TLSSocket> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options })
  onTestFinished(() => void socket.destroy())
  await once(socket, 'secureConnect')
  return socket
}

/** Sends bytes and returns everything that comes back until the server closes. */
export async function exchange(port: number, text: string): Promise<string> {
  const socket = await openTls(port)
  let answer = ''
  socket.setEncoding('latin1').on('data', (chunk) => {
    answer += chunk
  })
  socket.on('error', () => {})
  socket.write(text)
  await once(socket, 'close')
  return answer
}

export const TEXT = 1
export const BINARY = 2
export const CLOSE = 8
export const PING = 9
export const PONG = 10

export interface Frame {
  opcode: number
  payload: Buffer
}

/** What the frames say, to be compared. */
export function shown(frames: readonly Frame[]) {
  return frames.map(({ opcode, payload }) => [opcode, payload.toString('utf8')])
}

/** A WebSocket client that shows the frames themselves, because their borders are the protocol. */
export class RawStream {
  readonly head: string
  readonly socket: TLSSocket
  readonly frames: Frame[] = []
  /** Resolves when the server has closed its side. */
  readonly ended: Promise<void>
  #buffer: Buffer

  constructor(socket: TLSSocket, head: string, rest: Buffer) {
    this.socket = socket
    this.head = head
    this.#buffer = rest
    this.#parse()
    socket.on('data', (chunk: Buffer) => {
      this.#buffer = Buffer.concat([this.#buffer, chunk])
      this.#parse()
    })
    socket.on('error', () => {})
    this.ended = new Promise((resolve) => {
      socket.once('end', () => resolve())
      socket.once('close', () => resolve())
    })
  }

  get status(): number {
    return Number(this.head.split(' ')[1])
  }

  /** The bytes of all text frames so far. */
  get text(): string {
    const frames = this.frames.filter((frame) => frame.opcode === TEXT)
    return Buffer.concat(frames.map((frame) => frame.payload)).toString('latin1')
  }

  /** Resolves when `found` is true of what has arrived. */
  async until(found: (stream: RawStream) => boolean): Promise<void> {
    while (!found(this)) {
      const data = once(this.socket, 'data')
      const over = this.ended.then(() => 'ended')
      if ((await Promise.race([data, over])) === 'ended' && !found(this)) {
        throw new Error(`the stream ended; it said ${JSON.stringify(this.text)}`)
      }
    }
  }

  send(opcode: number, payload: string | Buffer): void {
    const bytes = Buffer.from(payload)
    const length =
      bytes.length < 126
        ? Buffer.from([0x80 | bytes.length])
        : Buffer.from([0x80 | 126, bytes.length >> 8, bytes.length & 255])
    const mask = randomBytes(4)
    const masked = bytes.map((byte, index) => byte ^ (mask[index & 3] ?? 0))
    this.socket.write(Buffer.concat([Buffer.from([0x80 | opcode]), length, mask, masked]))
  }

  #parse(): void {
    for (;;) {
      const [first, second] = this.#buffer
      if (first === undefined || second === undefined) return
      let at = 2
      let length = second & 127
      if (length === 126) {
        if (this.#buffer.length < 4) return
        length = this.#buffer.readUInt16BE(2)
        at = 4
      }
      if (this.#buffer.length < at + length) return
      this.frames.push({
        opcode: first & 15,
        payload: Buffer.from(this.#buffer.subarray(at, at + length)),
      })
      this.#buffer = this.#buffer.subarray(at + length)
    }
  }
}

/** Asks for an upgrade and returns when the server's head has arrived. */
export async function openRawStream(
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<RawStream> {
  const socket = await openTls(port)
  const lines = Object.entries({
    Host: `127.0.0.1:${port}`,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`, 'latin1')
  let received = Buffer.alloc(0)
  while (!received.includes('\r\n\r\n')) {
    const [chunk] = (await once(socket, 'data')) as [Buffer]
    received = Buffer.concat([received, chunk])
  }
  const end = received.indexOf('\r\n\r\n')
  return new RawStream(
    socket,
    received.subarray(0, end).toString('latin1'),
    received.subarray(end + 4),
  )
}

/** The header that presents a key. */
export function credential(key: Secret | string): Record<string, string> {
  const secret = typeof key === 'string' ? Secret.of(key) : key
  return { Authorization: basicHeader(secret).reveal() }
}
