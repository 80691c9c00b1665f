import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { fromHeader } from '@keyrack/protocol'
import { runShell } from '../instances/shell.ts'
import type { SshAccess } from '../instances/ssh-connection.ts'
import { terminalSize } from '../instances/terminal-size.ts'
import { streamLogs } from '../system/stream-logs.ts'
import type { SystemLog } from '../system/system-log.ts'

export interface StreamCall {
  parameters: Readonly<Record<string, string>>
  headers: IncomingHttpHeaders
  stream: Duplex
  signal: AbortSignal
  requestId: string
}

/** Resolves when everything has been written to the stream, with the exit status of a command. */
export type StreamHandler = (call: StreamCall) => Promise<number | undefined>

/** By route name. A stream of the protocol that is not here says that it is not built yet. */
export type StreamHandlers = ReadonlyMap<string, StreamHandler>

export function createStreamHandlers(access: SshAccess, systemLog: SystemLog): StreamHandlers {
  const shell: StreamHandler = async ({ parameters, headers, stream, signal, requestId }) => {
    const instanceId = parameters.id ?? ''
    const terminal = terminalSize(optionHeader(headers, 'height'), optionHeader(headers, 'width'))
    const command = optionHeader(headers, 'command') ?? ''
    // Not what is run there: everybody who may read the log would read it.
    const tell = (what: string) => systemLog.add(`shell/${requestId}`, `on ${instanceId}: ${what}`)
    tell('a session begins')
    try {
      const status = await runShell(access, { instanceId, command, terminal, stream, signal })
      tell(`the session ended with status ${status}`)
      return status
    } catch (error) {
      tell(stream.destroyed ? 'the client left the session' : 'the session failed')
      throw error
    }
  }
  const logs: StreamHandler = async ({ headers, stream, signal }) => {
    const option = (name: string) => optionHeader(headers, name)
    const [filter, follow, prefix, since] = ['filter', 'follow', 'prefix', 'since'].map(option)
    await streamLogs(systemLog, { options: { filter, follow, prefix, since }, stream, signal })
    return undefined
  }
  // Gen1 clients ask for `ssh`, later ones for `shell` (protocol.md 4).
  return new Map([
    ['instances.shell', shell],
    ['instances.ssh', shell],
    ['system.logs', logs],
  ])
}

function optionHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? fromHeader(value) : undefined
}
