import type { IncomingHttpHeaders } from 'node:http'
import type { Duplex } from 'node:stream'
import { fromHeader } from '@keyrack/protocol'
import { runShell } from '../instances/shell.ts'
import type { SshAccess } from '../instances/ssh-connection.ts'
import { terminalSize } from '../instances/terminal-size.ts'

export interface StreamCall {
  parameters: Readonly<Record<string, string>>
  headers: IncomingHttpHeaders
  stream: Duplex
  signal: AbortSignal
}

/** Resolves with the exit status when everything has been written to the stream. */
export type StreamHandler = (call: StreamCall) => Promise<number>

/** By route name. A stream of the protocol that is not here says that it is not built yet. */
export type StreamHandlers = ReadonlyMap<string, StreamHandler>

export function createStreamHandlers(access: SshAccess): StreamHandlers {
  const shell: StreamHandler = ({ parameters, headers, stream, signal }) =>
    runShell(access, {
      instanceId: parameters.id ?? '',
      command: optionHeader(headers, 'command') ?? '',
      terminal: terminalSize(optionHeader(headers, 'height'), optionHeader(headers, 'width')),
      stream,
      signal,
    })
  // Gen1 clients ask for `ssh`, later ones for `shell` (protocol.md 4).
  return new Map([
    ['instances.shell', shell],
    ['instances.ssh', shell],
  ])
}

function optionHeader(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name]
  return typeof value === 'string' ? fromHeader(value) : undefined
}
