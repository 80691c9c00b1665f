import { constants } from 'node:os'

/** What runs in a session: a command, or an interactive shell when there is none. */
export interface SessionRequest {
  command: string | undefined
  home: string
  environment: Record<string, string>
}

/** How it ended. */
export interface SessionExit {
  code: number
  signal: NodeJS.Signals | undefined
}

/** A program with its own process group, so that a signal reaches everything it started. */
export interface SessionProcess {
  /** Resolves when it ended and everything it printed was sent. */
  readonly done: Promise<SessionExit>
  signal(name: NodeJS.Signals): void
  resize(columns: number, rows: number): void
}

/** The program for a request: commands go through /bin/sh, as an SSH server does it. */
export function sessionProgram(request: SessionRequest): { file: string; args: string[] } {
  if (request.command !== undefined) return { file: '/bin/sh', args: ['-c', request.command] }
  return { file: request.environment.SHELL ?? '/bin/sh', args: ['-l'] }
}

export function signalGroup(leader: number | undefined, name: NodeJS.Signals): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, name)
  } catch {
    // The group has ended.
  }
}

/** A signal's name in SSH (RFC 4254 section 6.10: without SIG) or in Node. */
export function signalName(name: string): NodeJS.Signals | undefined {
  const full = name.startsWith('SIG') ? name : `SIG${name}`
  const names = Object.keys(constants.signals)
  return names.find((known): known is NodeJS.Signals => known === full)
}

export function signalByNumber(number: number): NodeJS.Signals | undefined {
  const entry = Object.entries(constants.signals).find(([, value]) => value === number)
  return entry === undefined ? undefined : signalName(entry[0])
}
