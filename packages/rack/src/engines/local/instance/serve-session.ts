import type { ServerChannel, Session } from 'ssh2'
import { ChannelClosed } from './channel-output.ts'
import { openPipeSession } from './pipe-session.ts'
import { openPtySession, type TerminalSize } from './pty-session.ts'
import { type SessionProcess, type SessionRequest, signalName } from './session-process.ts'

export interface SessionOptions {
  home: string
  /** The whole environment of a session, apart from TERM; what a client asks for is not set. */
  environment: Record<string, string>
  /** What runs now, so that it can be ended with the instance. */
  running: Set<SessionProcess>
}

/** What a shell answers when a program cannot be started. */
const CANNOT_START = 126

interface Terminal extends TerminalSize {
  name: string
}

function open(
  channel: ServerChannel,
  command: string | undefined,
  terminal: Terminal | undefined,
  { home, environment }: SessionOptions,
): SessionProcess {
  const request: SessionRequest = { command, home, environment }
  if (terminal === undefined) return openPipeSession(channel, request)
  const withTerm = { ...environment, TERM: terminal.name || 'xterm' }
  return openPtySession(channel, { ...request, environment: withTerm }, terminal)
}

/** Tells the client how the program ended. */
async function report(channel: ServerChannel, program: SessionProcess): Promise<void> {
  try {
    const exit = await program.done
    reportExit(channel, exit.code, exit.signal)
  } catch (error) {
    if (error instanceof ChannelClosed) return
    const reason = error instanceof Error ? error.message : String(error)
    channel.stderr.write(`ERROR: the command could not be started: ${reason}\n`)
    channel.exit(CANNOT_START)
  }
  channel.end()
}

function reportExit(
  channel: ServerChannel,
  code: number,
  signal: NodeJS.Signals | undefined,
): void {
  if (signal === undefined) return void channel.exit(code)
  try {
    channel.exit(signal)
  } catch {
    // SSH names only the signals of RFC 4254 section 6.10.
    channel.exit(code || 1)
  }
}

/** One SSH session: at most one program, with a terminal if one was asked for before. */
export function serveSession(session: Session, options: SessionOptions): void {
  let terminal: Terminal | undefined
  let program: SessionProcess | undefined

  const begin = async (channel: ServerChannel | undefined, command?: string): Promise<void> => {
    if (channel === undefined) return
    program = open(channel, command, terminal, options)
    options.running.add(program)
    // A client that goes away hangs up, as a closed terminal does; nohup still means nohup.
    channel.once('close', () => program?.signal('SIGHUP'))
    await report(channel, program)
    options.running.delete(program)
  }

  session.on('pty', (accept, _reject, info) => {
    terminal = { name: info.term, columns: info.cols, rows: info.rows }
    accept?.()
  })
  session.on('window-change', (accept, _reject, info) => {
    program?.resize(info.cols, info.rows)
    accept?.()
  })
  session.on('signal', (accept, _reject, info) => {
    const name = signalName(info.name)
    if (name !== undefined) program?.signal(name)
    accept?.()
  })
  session.on('exec', (accept, _reject, info) => void begin(accept(), info.command))
  session.on('shell', (accept) => void begin(accept()))
}
