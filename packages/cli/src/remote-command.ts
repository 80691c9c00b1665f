import { ExitScanner } from '@keyrack/protocol'
import type { ClientStream } from '@keyrack/protocol/client'
import { Failure } from './failures.ts'
import { inStreamFailure } from './in-stream-failure.ts'
import type { RefusedAt } from './refused-key.ts'
import type { Terminal } from './terminal.ts'

/**
 * Joins the terminal and a remote command until it ends, and gives its exit status. A server that
 * refuses says `ERROR: ...` as the only line of output (protocol.md 7.1): that is our error then.
 */
export async function joinRemoteCommand(
  terminal: Terminal,
  stream: ClientStream,
  target: RefusedAt,
): Promise<number> {
  const scanner = new ExitScanner()
  const opening = new RefusalFilter()
  // The loop below reports it; this only keeps a late failure to write from ending the process.
  stream.on('error', () => {})
  const restore = terminal.size === undefined ? () => {} : await terminal.rawMode()
  // An input that cannot be read (a folder, a terminal that hung up) is one that has ended.
  terminal.input.once('error', () => stream.end())
  terminal.input.pipe(stream)
  try {
    for await (const chunk of stream) await show(terminal, opening.push(scanner.push(chunk)))
    await show(terminal, opening.push(scanner.flush()))
  } finally {
    terminal.input.unpipe(stream)
    terminal.input.pause()
    restore()
  }
  const { code } = scanner
  const refusal = opening.refusal
  if (refusal !== undefined && (code === undefined || code === 1)) {
    throw inStreamFailure(refusal, stream, target)
  }
  await show(terminal, opening.rest)
  // A shell sees eight bits: 256 would look like success.
  if (code !== undefined) return code >= 0 && code <= 255 ? code : 255
  throw new Failure(
    'the connection ended before the command told its exit status',
    'look whether the instance is still there: convox instances',
  )
}

async function show(terminal: Terminal, bytes: Buffer): Promise<void> {
  if (bytes.length > 0) await terminal.writeBytes(bytes)
}

const PREFIX = Buffer.from('ERROR: ')
const LINE_BYTES_MAX = 4096

/** Holds the first line back while it may turn out to be all that the server says. */
export class RefusalFilter {
  #held: Buffer = Buffer.alloc(0)
  #passing = false

  push(bytes: Buffer): Buffer {
    if (this.#passing) return bytes
    this.#held = Buffer.concat([this.#held, bytes])
    if (this.#mayBeAll()) return Buffer.alloc(0)
    this.#passing = true
    return this.rest
  }

  /** The reason, when there was nothing but a reason. */
  get refusal(): string | undefined {
    if (this.#held.length < PREFIX.length) return undefined
    return this.#held.subarray(PREFIX.length).toString('utf8').trim()
  }

  /** What is held back; given out once. */
  get rest(): Buffer {
    const held = this.#held
    this.#held = Buffer.alloc(0)
    return held
  }

  #mayBeAll(): boolean {
    const head = this.#held.subarray(0, PREFIX.length)
    if (!head.equals(PREFIX.subarray(0, head.length))) return false
    const newline = this.#held.indexOf(0x0a)
    return this.#held.length <= LINE_BYTES_MAX && (newline < 0 || newline === this.#held.length - 1)
  }
}
