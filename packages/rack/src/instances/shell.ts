import type { EventEmitter } from 'node:events'
import { constants } from 'node:os'
import type { Duplex } from 'node:stream'
import { KeyrackError } from '@keyrack/protocol'
import type { Client, ClientChannel, PseudoTtyOptions } from 'ssh2'
import { connectToInstance, disconnect, type SshAccess } from './ssh-connection.ts'
import type { TerminalSize } from './terminal-size.ts'

export interface ShellRequest {
  instanceId: string
  /** Empty for a login shell. */
  command: string
  /** Only then the instance makes a pty. */
  terminal: TerminalSize | undefined
  /** The client's side: its input is read from here, all output is written to it. */
  stream: Duplex
  /** Aborted when the client is gone or the server stops; its reason is thrown. */
  signal: AbortSignal
}

/** Runs a command or a login shell on an instance and returns its exit status. */
export async function runShell(access: SshAccess, request: ShellRequest): Promise<number> {
  const client = await connectToInstance(access, request.instanceId, request.signal)
  try {
    return await startSession(client, request)
  } finally {
    disconnect(client)
  }
}

function startSession(client: Client, request: ShellRequest): Promise<number> {
  const { command, terminal, instanceId } = request
  return new Promise((resolve, reject) => {
    const failed = (cause: unknown): void => reject(sessionFailed(instanceId, cause))
    const opened = (error: Error | undefined, channel: ClientChannel): void => {
      if (error !== undefined) failed(error)
      // At once: output, status and end of a short command can follow in the same packet.
      else resolve(runSession(channel, request))
    }
    client.once('close', () => failed(new Error('the connection was closed')))
    try {
      const pty = ptyOptions(terminal)
      if (command === '') client.shell(pty ?? false, opened)
      else if (pty === undefined) client.exec(command, opened)
      else client.exec(command, { pty }, opened)
    } catch (error) {
      failed(error)
    }
  })
}

function ptyOptions(terminal: TerminalSize | undefined): PseudoTtyOptions | undefined {
  if (terminal === undefined) return undefined
  return { term: 'xterm', rows: terminal.rows, cols: terminal.columns }
}

async function runSession(channel: ClientChannel, request: ShellRequest): Promise<number> {
  const { stream, signal, instanceId } = request
  let status: number | undefined
  channel.on('exit', (code: number | null, signalName?: string) => {
    status = code ?? statusOfSignal(signalName)
  })
  const over = Promise.all([
    happened(channel, 'end'),
    happened(channel.stderr, 'end'),
    happened(channel, 'close'),
  ])
  const gone = new Promise<never>((_resolve, reject) => {
    const aborted = (): void => {
      // The hang-up ends what runs without a pty too; closing the channel alone would leave it.
      channel.signal('HUP')
      channel.close()
      reject(signal.reason)
    }
    signal.addEventListener('abort', aborted, { once: true })
    if (signal.aborted) aborted()
  })

  // Output of both kinds goes into one stream, as it comes (protocol.md 7.4). `pipe` holds the
  // instance back while the client does not read, and the client while the command does not.
  channel.pipe(stream, { end: false })
  channel.stderr.pipe(stream, { end: false })
  stream.pipe(channel)
  try {
    await Promise.race([over, gone])
  } finally {
    stream.unpipe(channel)
    channel.unpipe(stream)
    channel.stderr.unpipe(stream)
  }
  if (status === undefined) throw instanceGone(instanceId)
  return status
}

function happened(emitter: EventEmitter, event: string): Promise<void> {
  return new Promise((resolve) => emitter.once(event, () => resolve()))
}

/** As shells count: 128 and the number of the signal that ended the command. */
function statusOfSignal(name: string | undefined): number {
  const known = Object.entries(constants.signals).find(
    ([signal]) => signal === name || signal === `SIG${name}`,
  )
  return 128 + (known?.[1] ?? 0)
}

function sessionFailed(instanceId: string, cause: unknown): KeyrackError {
  return new KeyrackError('rack-broken', `instance ${instanceId} refused to start a session`, {
    hint: 'try again',
    cause,
  })
}

function instanceGone(instanceId: string): KeyrackError {
  return new KeyrackError('rack-broken', `instance ${instanceId} went away during the session`, {
    hint: 'see what replaced it with: convox instances',
  })
}
