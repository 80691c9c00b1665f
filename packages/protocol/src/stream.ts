import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/**
 * Streams as official Convox frames them (protocol.md 7): bytes travel in text frames, whatever
 * they hold; an empty binary frame is the end; the exit code is a text frame of its own before it;
 * the server then drops TCP without a Close frame. Both `ws` ends need `skipUTF8Validation`.
 */

export const EXIT_MARKER = 'F1E49A85-0AD7-4AEF-A618-C249C6E6568D:'

/** The last text frame of a command, alone in its frame. */
export function exitFrame(code: number): string {
  return `${EXIT_MARKER}${code}\n`
}

/** How a stream says that it failed; sent after a successful upgrade, as official Racks do. */
export function errorFrame(message: string): string {
  return `ERROR: ${message.replaceAll('%', ' percent')}\n`
}

export interface FrameStreamOptions {
  /** The TCP socket under the WebSocket: the server's end drops it once its end frame is out. */
  socket?: Duplex | Socket
  /** Old servers lost what exceeded 1,024 bytes of a frame, old clients what exceeded 10 KiB. */
  frameBytesMax?: number
}

/** The bytes of a WebSocket as a Duplex: reading ends at the peer's end frame, `end()` sends ours. */
export class FrameStream extends Duplex {
  readonly #ws: WebSocket
  readonly #socket: Duplex | Socket | undefined
  readonly #frameBytesMax: number

  #peerEnded = false

  constructor(ws: WebSocket, options: FrameStreamOptions = {}) {
    super({ decodeStrings: true, allowHalfOpen: true })
    this.#ws = ws
    this.#socket = options.socket
    this.#frameBytesMax = options.frameBytesMax ?? 8192
    ws.on('message', (data, isBinary) => {
      if (this.#peerEnded) return
      // Any binary frame is the end, as official readers take it.
      if (isBinary) this.#endReading()
      else if (!this.push(asBuffer(data))) ws.pause()
    })
    ws.on('error', (error) => this.destroy(error))
    ws.on('close', () => {
      this.#endReading()
      // A server stops its work at once; a client first reads what had already arrived.
      if (this.#socket !== undefined || this.readableEnded) this.destroy()
      else this.once('end', () => this.destroy())
    })
  }

  #endReading(): void {
    if (this.#peerEnded) return
    this.#peerEnded = true
    this.push(null)
  }

  override _read(): void {
    if (this.#ws.isPaused) this.#ws.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    const send = (from: number): void => {
      // What is written to a peer that is gone is dropped; its close event ends the stream.
      if (from >= chunk.length || this.#ws.readyState !== this.#ws.OPEN) {
        done()
        return
      }
      const part = chunk.subarray(from, from + this.#frameBytesMax)
      this.#ws.send(part, { binary: false }, () => send(from + part.length))
    }
    send(0)
  }

  override _final(done: () => void): void {
    if (this.#ws.readyState !== this.#ws.OPEN) {
      done()
      return
    }
    this.#ws.send(Buffer.alloc(0), { binary: true }, () => {
      this.#socket?.end()
      done()
    })
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#ws.terminate()
    done(error)
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

function asBuffer(data: Buffer | ArrayBuffer | Buffer[]): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}
