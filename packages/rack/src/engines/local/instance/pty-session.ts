import { readSync } from 'node:fs'
import { ReadStream } from 'node:tty'
import { spawn } from '@lydell/node-pty'
import type { ServerChannel } from 'ssh2'
import { ChannelOutput } from './channel-output.ts'
import {
  type SessionExit,
  type SessionProcess,
  type SessionRequest,
  sessionProgram,
  signalByNumber,
  signalGroup,
} from './session-process.ts'

export interface TerminalSize {
  columns: number
  rows: number
}

/** What a terminal sends for "no more input" (VEOF, control-D). */
const END_OF_INPUT = Buffer.from([4])

/** More than a kernel keeps for a terminal, and an end for a program that never stops writing. */
const LAST_READ_BYTES = 1024 * 1024

/**
 * The stream behind a pseudo-terminal, and its descriptor. node-pty shows neither: without the
 * stream nothing tells when more input can be taken, without the descriptor output is lost.
 */
function terminalStream(terminal: object): { stream: ReadStream; descriptor: number } {
  const stream: unknown = Reflect.get(terminal, '_socket')
  const descriptor: unknown = Reflect.get(terminal, 'fd')
  if (stream instanceof ReadStream && typeof descriptor === 'number') return { stream, descriptor }
  throw new TypeError('node-pty has no stream any more')
}

/** What the kernel still holds of a terminal's output. */
function* rest(descriptor: number): Generator<Buffer> {
  for (let total = 0; total < LAST_READ_BYTES; ) {
    const bytes = Buffer.alloc(16 * 1024)
    let length = 0
    try {
      length = readSync(descriptor, bytes)
    } catch {
      // EIO: nobody holds the other side any more. EAGAIN: somebody does, and writes nothing now.
    }
    if (length === 0) return
    total += length
    yield bytes.subarray(0, length)
  }
}

/**
 * Reads everything before the stream is destroyed, for that comes too early in two ways: libuv
 * reports an end when the program hung up and a read came back short, but terminals give at most
 * 4095 bytes a read, so there may be more (uv__stream_io, POLLHUP with a partial read); and
 * node-pty destroys it 200 ms after the program's end, also while it is paused for a slow client.
 */
function readBeforeDestroy(
  stream: ReadStream,
  descriptor: number,
  print: (bytes: Buffer) => void,
): void {
  const destroy = stream.destroy.bind(stream)
  stream.destroy = (error?: Error) => {
    stream.destroy = destroy
    while (stream.read() !== null); // Each read emits 'data' once more.
    for (const bytes of rest(descriptor)) print(bytes)
    return destroy(error)
  }
}

/** Runs a program in a pseudo-terminal of the size the client has. */
export function openPtySession(
  channel: ServerChannel,
  request: SessionRequest,
  size: TerminalSize,
): SessionProcess {
  const { file, args } = sessionProgram(request)
  const terminal = spawn(file, args, {
    name: request.environment.TERM ?? 'xterm',
    // Official servers ask for 0 by 0 when they know no size.
    cols: size.columns || 80,
    rows: size.rows || 24,
    cwd: request.home,
    env: request.environment,
    encoding: null, // Bytes, not text.
  })
  const { stream, descriptor } = terminalStream(terminal)
  const output = new ChannelOutput(channel)
  let running = true
  let printed: Promise<void> = Promise.resolve()

  const print = (bytes: Buffer): void => {
    stream.pause()
    printed = output.write('stdout', bytes).then(
      () => void stream.resume(),
      () => void stream.resume(), // The client is gone; the program gets SIGHUP.
    )
  }
  stream.on('data', print)
  readBeforeDestroy(stream, descriptor, print)
  channel.on('data', (bytes: Buffer) => {
    if (!running || stream.write(bytes)) return
    channel.pause()
    stream.once('drain', () => channel.resume())
  })
  channel.once('end', () => {
    if (running) stream.write(END_OF_INPUT)
  })

  return {
    done: new Promise<SessionExit>((resolve) => {
      terminal.onExit(({ exitCode, signal }) => {
        running = false
        channel.resume()
        void printed.then(() => resolve({ code: exitCode, signal: signalByNumber(signal ?? 0) }))
      })
    }),
    signal: (name) => {
      if (running) signalGroup(terminal.pid, name)
    },
    resize: (columns, rows) => {
      if (running && columns > 0 && rows > 0) terminal.resize(columns, rows)
    },
  }
}
