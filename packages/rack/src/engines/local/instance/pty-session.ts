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

/** How long reading goes on after the program ended, when something else holds its terminal open. */
const LAST_READ_MS = 200

/**
 * The stream behind a pseudo-terminal. node-pty shows only a part of it: nothing tells when more
 * input can be taken, and 200 ms after the program's end the stream is destroyed, also while it is
 * paused for a slow client, which would lose the end of the output.
 */
function terminalStream(terminal: object): ReadStream {
  const stream: unknown = Reflect.get(terminal, '_socket')
  if (!(stream instanceof ReadStream)) throw new TypeError('node-pty has no stream any more')
  return stream
}

/** Destroys the stream only after everything in it, and in the kernel behind it, was read. */
function readToTheEnd(stream: ReadStream): void {
  const destroy = stream.destroy.bind(stream)
  let lastRead = false
  stream.destroy = (error?: Error) => {
    // An error (EIO: nobody holds the other side) means that the kernel has no more to give.
    if (error === undefined && stream.isPaused() && !lastRead) {
      lastRead = true
      stream.resume()
      setTimeout(() => stream.destroy(), LAST_READ_MS).unref()
      return stream
    }
    lastRead = true
    while (stream.read() !== null); // Each read emits 'data' once more.
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
  const stream = terminalStream(terminal)
  readToTheEnd(stream)
  const output = new ChannelOutput(channel)
  let running = true
  let printed: Promise<void> = Promise.resolve()

  stream.on('data', (bytes: Buffer) => {
    stream.pause()
    printed = output.write('stdout', bytes).then(
      () => void stream.resume(),
      () => void stream.resume(), // The client is gone; the program gets SIGHUP.
    )
  })
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
