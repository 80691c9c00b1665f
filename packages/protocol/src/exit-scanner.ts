import { EXIT_MARKER } from './stream.ts'

const MARKER = Buffer.from(EXIT_MARKER)
const CODE_BYTES_MAX = 13
const CODE_LINE = /^(-?\d{1,10})\r?\n?$/
const CODE_BEGINNING = /^-?\d{0,10}\r?$/

/**
 * Finds the exit marker at the end of a stream of bytes, however frames or chunks cut it, and
 * holds back just the bytes that could belong to it, so that output is never delayed by more.
 * A marker that is followed by anything else was output: a program can print one as well.
 */
export class ExitScanner {
  #held: Buffer = Buffer.alloc(0)
  #code: number | undefined

  /** The exit code of the marker that has been read last, if nothing has followed it. */
  get code(): number | undefined {
    return this.#code
  }

  /** Takes what arrived and returns what is certainly output. */
  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk
    const bytes = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
    this.#code = undefined
    let cut = -1
    for (let at = bytes.indexOf(MARKER); at >= 0; at = bytes.indexOf(MARKER, at + MARKER.length)) {
      const tail = bytes.subarray(at + MARKER.length)
      if (tail.length > CODE_BYTES_MAX) continue
      const text = tail.toString('latin1')
      if (text.endsWith('\n')) this.#code = parseCode(text)
      if (this.#code !== undefined || CODE_BEGINNING.test(text)) cut = at
    }
    if (cut < 0) cut = bytes.length - markerPrefixLength(bytes)
    // A copy: a few held bytes must not keep a whole chunk in memory.
    this.#held = Buffer.from(bytes.subarray(cut))
    return bytes.subarray(0, cut)
  }

  /** What was held back when the stream ended. A marker without its newline still counts. */
  flush(): Buffer {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    if (this.#code === undefined && held.subarray(0, MARKER.length).equals(MARKER)) {
      this.#code = parseCode(held.subarray(MARKER.length).toString('latin1'))
    }
    return this.#code === undefined ? held : Buffer.alloc(0)
  }
}

function parseCode(text: string): number | undefined {
  const [, digits] = CODE_LINE.exec(text) ?? []
  // `-0` is zero.
  return digits === undefined ? undefined : Number(digits) + 0
}

/** How many bytes at the end could be the beginning of the marker. */
function markerPrefixLength(bytes: Buffer): number {
  for (let length = Math.min(bytes.length, MARKER.length - 1); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(MARKER.subarray(0, length))) return length
  }
  return 0
}
