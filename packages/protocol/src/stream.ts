import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { KeyrackError } from './errors.ts'

/**
 * Streams as official Convox frames them (protocol.md 7): bytes travel in text frames, whatever
 * they hold; an empty binary frame is the end; the exit code is a text frame of its own before it;
 * the server then drops TCP without a Close frame.
 */

export const EXIT_MARKER = 'F1E49A85-0AD7-4AEF-A618-C249C6E6568D:'

/**
 * For every `WebSocket` and `WebSocketServer` whose frames a `FrameStream` reads. It answers pings
 * itself: `ws` drops a connection after 60 pings that arrive at once, which is what a client that
 * pings every 5 s has sent when its input was held back for five minutes.
 */
export const FRAME_SOCKET_OPTIONS = {
  autoPong: false,
  maxPayload: 1024 * 1024,
  perMessageDeflate: false,
  skipUTF8Validation: true,
} as const

/** The last text frame of a command, alone in its frame. */
export function exitFrame(code: number): string {
  return `${EXIT_MARKER}${code}\n`
}

/** How a stream says that it failed; sent after a successful upgrade, as official Racks do. */
export function errorFrame(message: string): string {
  return `ERROR: ${message.replaceAll('%', ' percent')}\n`
}

export interface FrameStreamOptions {
  /** The TCP socket under the WebSocket; given, this is the server's end. */
  socket?: Duplex | Socket
  /** Old servers lost what exceeded 1,024 bytes of a frame, old clients what exceeded 10 KiB. */
  frameBytesMax?: number
  /** Servers of the first generation just hang up, so the end of the connection is that of the stream. */
  endUnsaid?: true
}

const QUEUED_BYTES_MAX = 256 * 1024
const WRITTEN_FRAMES_MAX = 32
/**
 * Of a client: what is written together ends up in one TLS record, and old official servers lose
 * what of a frame is not in the 10 KiB that they read at once.
 */
const SENT_FRAMES_MAX = 8
const PAUSED_PING_MS = 500
const LINGER_MS = 10_000
const NORMAL_CLOSE_CODES = [1000, 1001, 1005]
/** No Close frame came (RFC 6455 7.1.5). */
const HUNG_UP = 1006

/**
 * The bytes of an open WebSocket as a Duplex: reading ends at the peer's end frame, `end()` sends
 * ours. A server's end is destroyed as soon as its client is gone or its own end frame is out; a
 * client's end delivers everything that arrived before it ends, or fails when the end frame is
 * missing. Whoever does not listen for `error` still sees `close`.
 */
export class FrameStream extends Duplex {
  readonly #ws: WebSocket
  readonly #socket: Duplex | Socket | undefined
  readonly #frameBytesMax: number
  readonly #endUnsaid: boolean
  readonly #queue: Buffer[] = []
  #queuedBytes = 0
  #wanted = false
  /** What follows the queue: more, the end, or an error. */
  #next: 'more' | 'end' | Error = 'more'
  #endFrameSent = false
  #pausedPings: NodeJS.Timeout | undefined
  #unansweredPing: Buffer | undefined
  #answering = false

  constructor(ws: WebSocket, options: FrameStreamOptions = {}) {
    // No buffer besides the queue: only so is it known when the last byte has been read.
    super({ readableHighWaterMark: 0, autoDestroy: options.socket === undefined })
    this.#ws = ws
    this.#socket = options.socket
    this.#frameBytesMax = options.frameBytesMax ?? 8192
    this.#endUnsaid = options.endUnsaid ?? false
    this.on('error', () => {})
    ws.on('message', (data, isBinary) => this.#receive(asBuffer(data), isBinary))
    ws.on('ping', (data) => this.#answerPing(data))
    ws.on('error', (error) => this.#finishReading(error))
    ws.on('close', (code) => this.#closed(code))
  }

  #receive(bytes: Buffer, isBinary: boolean): void {
    if (this.#next !== 'more' || this.destroyed) return
    // Any binary frame is the end, as official readers take it.
    if (isBinary) {
      this.#finishReading('end')
      return
    }
    if (bytes.length === 0) return
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#deliver()
    if (this.#queuedBytes >= QUEUED_BYTES_MAX) this.#pause()
  }

  #finishReading(next: 'end' | Error): void {
    if (this.#next !== 'more') return
    this.#next = next
    if (next !== 'end' && this.#socket !== undefined) this.destroy(next)
    // Nothing waits to be read, so nothing is lost; who only writes learns of it too.
    else if (next !== 'end' && this.#queue.length + this.readableLength === 0) this.destroy(next)
    else this.#deliver()
  }

  #closed(code: number): void {
    if (this.#socket !== undefined) {
      this.destroy()
      return
    }
    const ended = NORMAL_CLOSE_CODES.includes(code) || (this.#endUnsaid && code === HUNG_UP)
    this.#finishReading(ended ? 'end' : connectionLost())
    if (this.readableEnded) this.destroy()
    else this.once('end', () => this.destroy())
  }

  override _read(): void {
    this.#wanted = true
    this.#deliver()
  }

  #deliver(): void {
    if (!this.#wanted) return
    const bytes = this.#queue.shift()
    if (bytes !== undefined) {
      this.#wanted = false
      this.#queuedBytes -= bytes.length
      this.push(bytes)
    } else if (this.#next === 'end') {
      this.push(null)
    } else if (this.#next !== 'more') {
      this.destroy(this.#next)
    }
    if (this.#queuedBytes < QUEUED_BYTES_MAX / 2) this.#resume()
  }

  #pause(): void {
    if (this.#ws.isPaused) return
    this.#ws.pause()
    // A socket that is not read does not tell that its peer is gone; writing to it does.
    if (this.#socket === undefined) return
    this.#pausedPings = setInterval(() => {
      if (this.#ws.readyState === this.#ws.OPEN) this.#ws.ping()
    }, PAUSED_PING_MS)
  }

  #resume(): void {
    clearInterval(this.#pausedPings)
    if (this.#ws.isPaused) this.#ws.resume()
  }

  /** Only the latest ping needs an answer (RFC 6455 5.5.3). */
  #answerPing(data: Buffer): void {
    this.#unansweredPing = data
    if (this.#answering || this.#endFrameSent || this.#ws.readyState !== this.#ws.OPEN) return
    this.#answering = true
    this.#unansweredPing = undefined
    this.#ws.pong(data, undefined, () => {
      this.#answering = false
      if (this.#unansweredPing !== undefined) this.#answerPing(this.#unansweredPing)
    })
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const send = (from: number): void => {
      if (from >= chunk.length) {
        done()
        return
      }
      // What is written to a peer that is gone is dropped, not faster than events are handled, one
      // of which ends the stream.
      if (this.#ws.readyState !== this.#ws.OPEN) {
        setImmediate(done)
        return
      }
      const framesMax = this.#socket === undefined ? SENT_FRAMES_MAX : WRITTEN_FRAMES_MAX
      const until = Math.min(chunk.length, from + framesMax * this.#frameBytesMax)
      for (let at = from; at < until; at += this.#frameBytesMax) {
        const next = Math.min(until, at + this.#frameBytesMax)
        const sent = next === until ? () => send(until) : undefined
        this.#ws.send(chunk.subarray(at, next), { binary: false }, sent)
      }
    }
    send(0)
  }

  override _final(done: () => void): void {
    if (this.#ws.readyState !== this.#ws.OPEN) {
      done()
      return
    }
    this.#ws.send(Buffer.alloc(0), { binary: true }, () => {
      done()
      if (this.#socket === undefined) return
      this.#endFrameSent = true
      this.#socket.end()
      this.#queue.length = 0
      this.#finishReading('end')
      setImmediate(() => this.destroy())
    })
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    clearInterval(this.#pausedPings)
    if (this.#endFrameSent) this.#linger()
    else this.#ws.terminate()
    done(error)
  }

  /**
   * Closing a socket that holds unread bytes resets the connection, and a reset can destroy what
   * the client has not read yet. So what it still sends is read and dropped until it hangs up: past
   * the parser, which would hold a megabyte for anybody who was refused and does not end a frame.
   */
  #linger(): void {
    const timer = setTimeout(() => this.#ws.terminate(), LINGER_MS)
    timer.unref()
    this.#ws.once('close', () => clearTimeout(timer))
    this.#ws.resume()
    this.#socket?.removeAllListeners('data').resume()
  }
}

/** Ends a command's stream with its exit code. */
export function exitWith(stream: FrameStream, code: number): void {
  if (stream.writable) stream.write(exitFrame(code))
  stream.end()
}

/** Ends a stream with a reason; `exitCode` only where the route has one. */
export function failWith(stream: FrameStream, message: string, exitCode?: number): void {
  if (stream.writable) stream.write(errorFrame(message))
  if (exitCode !== undefined) exitWith(stream, exitCode)
  else stream.end()
}

function connectionLost(): KeyrackError {
  return new KeyrackError('rack-unreachable', 'the connection was lost before the stream ended', {
    hint: 'check that the server is running, and try again',
  })
}

function asBuffer(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}
