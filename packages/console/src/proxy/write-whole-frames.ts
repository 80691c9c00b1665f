/**
 * The client's frames on their way to the Rack, whole ones together. Official Racks of before August
 * 2024 lose what of a frame is not in the 10 KiB that they read at once, and they read no further
 * than to the end of a TLS record, so their clients write each frame by itself (protocol.md 7.1).
 */
import { type Duplex, Writable } from 'node:stream'

/** What is written at once, and the longest frame that is waited for. */
const TOGETHER_MAX = 8 * 1024

/** Writes what it gets to a socket, byte for byte; ending it ends the socket. */
export function writeWholeFrames(socket: Duplex): Writable {
  let held: Buffer = Buffer.alloc(0)
  /** Of a frame too long to be waited for: how much is still to come; of what is no frame, no end. */
  let rest = 0

  /** How much of these bytes can be written now: 0 while the first frame is not whole. */
  function writable(bytes: Buffer): number {
    if (rest > 0) return Math.min(rest, bytes.length)
    let end = 0
    for (;;) {
      const length = frameLength(bytes.subarray(end))
      if (length === undefined) return end
      // A longer one goes as it comes.
      if (length > TOGETHER_MAX) return end > 0 ? end : Math.min(length, bytes.length)
      if (end + length > Math.min(bytes.length, TOGETHER_MAX)) return end
      end += length
    }
  }

  function next(done: (error?: Error | null) => void): void {
    const size = writable(held)
    if (size === 0) {
      done()
      return
    }
    const piece = held.subarray(0, size)
    rest = Math.max(0, (rest > 0 ? rest : (frameLength(piece) ?? 0)) - size)
    held = held.subarray(size)
    // Not before it is out: what waits together is joined to records that end anywhere.
    socket.write(piece, (error) => (error ? done(error) : next(done)))
  }

  return new Writable({
    write(chunk: Buffer, _encoding, done) {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
      next(done)
    },
    final(done) {
      if (held.length > 0) socket.write(held)
      socket.end(done)
    },
  })
}

const OPCODES: ReadonlySet<number> = new Set([0, 1, 2, 8, 9, 10])
const MASK_BYTES = 4

/**
 * The length of a client's frame with its head (RFC 6455 5.2); undefined while it cannot be known,
 * and without end where these bytes are none: whatever a client invents is the Rack's to judge.
 */
function frameLength(bytes: Buffer): number | undefined {
  const [first, second] = bytes
  if (first !== undefined && !OPCODES.has(first & 0x7f)) return Infinity
  if (second === undefined) return undefined
  if ((second & 0x80) === 0) return Infinity
  const short = second & 0x7f
  if (short < 126) return 2 + MASK_BYTES + short
  if (short === 126) return bytes.length < 4 ? undefined : 4 + MASK_BYTES + bytes.readUInt16BE(2)
  return bytes.length < 10 ? undefined : 10 + MASK_BYTES + Number(bytes.readBigUInt64BE(2))
}
