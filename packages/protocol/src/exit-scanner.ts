import { EXIT_MARKER } from './stream.ts'

const MARKER = Buffer.from(EXIT_MARKER)
const CODE_BYTES_MAX = 12

/**
 * Finds the exit marker in a stream of bytes, wherever frames or chunks cut it, and holds back
 * just the bytes that could be its beginning, so that output is never delayed by more.
 */
export class ExitScanner {
  #held: Buffer = Buffer.alloc(0)
  #code: number | undefined

  /** The exit code, once its whole marker has been read. */
  get code(): number | undefined {
    return this.#code
  }

  /** Takes what arrived and returns what is certainly output. */
  push(chunk: Buffer): Buffer {
    if (this.#code !== undefined) return Buffer.alloc(0)
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    const at = bytes.indexOf(MARKER)
    if (at < 0) {
      const keep = markerPrefixLength(bytes)
      this.#held = bytes.subarray(bytes.length - keep)
      return bytes.subarray(0, bytes.length - keep)
    }
    const tail = bytes.subarray(at + MARKER.length)
    const newline = tail.indexOf(0x0a)
    if (newline >= 0) {
      const code = parseCode(tail.subarray(0, newline))
      if (code !== undefined) {
        this.#code = code
        this.#held = Buffer.alloc(0)
        return bytes.subarray(0, at)
      }
    }
    if (newline >= 0 || tail.length > CODE_BYTES_MAX) {
      // Not a marker after all: output that happens to hold the same text.
      this.#held = Buffer.alloc(0)
      const passed = bytes.subarray(0, at + MARKER.length)
      return Buffer.concat([passed, this.push(Buffer.from(tail))])
    }
    this.#held = bytes.subarray(at)
    return bytes.subarray(0, at)
  }

  /** What was held back when the stream ended. A marker without its newline still counts. */
  flush(): Buffer {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    if (this.#code === undefined && held.subarray(0, MARKER.length).equals(MARKER)) {
      this.#code = parseCode(held.subarray(MARKER.length))
      if (this.#code !== undefined) return Buffer.alloc(0)
    }
    return held
  }
}

function parseCode(bytes: Buffer): number | undefined {
  const text = bytes.toString('latin1').trim()
  return /^-?\d{1,10}$/.test(text) ? Number(text) : undefined
}

/** How many bytes at the end could be the beginning of the marker. */
function markerPrefixLength(bytes: Buffer): number {
  for (let length = Math.min(bytes.length, MARKER.length - 1); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(MARKER.subarray(0, length))) return length
  }
  return 0
}
