import { maskApiKey } from '@keyrack/secrets/api-key'
import type { DefineCommand } from '../command-table.ts'
import { readActiveHost, readKeys, readPin } from '../config-folder/login-state.ts'
import { connectTo } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { EndWith, Failure, NotLoggedIn } from '../failures.ts'
import { type Host, parseHost } from '../host.ts'
import { formatTable } from '../table.ts'
import { findTarget, type Target } from '../target.ts'
import { proveKey } from '../who-am-i.ts'

interface AuthOptions extends GlobalOptions {
  json?: true
}

interface Login {
  host: string
  /** Whether commands use this one. */
  active: boolean
  source: string
  key: string
  status: 'ok' | 'refused' | 'unreachable'
  /** Why not, and what to run next. */
  problem?: string
}

export const defineAuth: DefineCommand = (command, context) => {
  command
    .option('--json', 'print the list as JSON: host, active, source, key (masked), status, problem')
    .addHelpText('after', '\nEnds with 1 if a server refuses its key.')
    .action((options: AuthOptions) => auth(context, options))
}

async function auth(context: Context, options: AuthOptions): Promise<void> {
  const { terminal, folder } = context
  const targets = findLogins(context, options)
  if (targets.length === 0) {
    throw new NotLoggedIn('not logged in anywhere', 'run: convox login HOST')
  }
  const used = targets.find(({ keySource }) => keySource !== 'file')
  const activeHost = context.environment.host ?? readActiveHost(folder)
  const logins = await Promise.all(
    targets.map(async (target): Promise<Login> => {
      const active = used === undefined ? target.host.name === activeHost : target === used
      const source = target.keySource === 'file' ? folder.pathOf('auth') : target.keySource
      const key = maskApiKey(target.key.reveal())
      return { host: target.host.name, active, source, key, ...(await check(context, target)) }
    }),
  )
  if (options.json) {
    terminal.printJson(logins)
  } else {
    const rows = logins.map(({ host, source, key, status, active }) => [
      ...[host, source, key, status],
      active ? '*' : '',
    ])
    terminal.print(formatTable([['HOST', 'SOURCE', 'KEY', 'STATUS', 'ACTIVE'], ...rows]))
    for (const { host, problem } of logins) {
      if (problem !== undefined) terminal.note(`${host}: ${problem}`)
    }
  }
  if (logins.some(({ status }) => status === 'refused')) throw new EndWith(1)
}

/** What the environment gives, then every stored host. */
function findLogins(context: Context, options: GlobalOptions): Target[] {
  const { environment, folder } = context
  const fromEnvironment: Target[] = []
  if (environment.rackUrl !== undefined || environment.password !== undefined) {
    try {
      fromEnvironment.push(findTarget(context, options))
    } catch (error) {
      // A key without a host is of no use to anybody, and says so here.
      if (!(error instanceof NotLoggedIn)) throw error
      context.terminal.warn('CONVOX_PASSWORD is set, but no host; set CONVOX_HOST')
    }
  }
  const stored = [...readKeys(folder)].map(([name, key]): Target => {
    const host = usableHost(name)
    return { host, key, keySource: 'file', pin: readPin(folder, host.name) }
  })
  return [...fromEnvironment, ...stored]
}

/** Other CLIs keep names here that this one cannot use; they are listed all the same. */
function usableHost(name: string): Host {
  try {
    return parseHost(name)
  } catch {
    return { name, url: '' }
  }
}

async function check(context: Context, target: Target): Promise<Pick<Login, 'status' | 'problem'>> {
  if (target.host.url === '') {
    return { status: 'unreachable', problem: 'this convox cannot use such a host' }
  }
  try {
    await proveKey(await connectTo(context, target))
    return { status: 'ok' }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const hint = 'hint' in error && typeof error.hint === 'string' ? `; ${error.hint}` : ''
    const refused = error instanceof NotLoggedIn || isForbidden(error)
    if (!refused && !(error instanceof Failure) && error.name !== 'KeyrackError') throw error
    return { status: refused ? 'refused' : 'unreachable', problem: `${error.message}${hint}` }
  }
}

function isForbidden(error: Error): boolean {
  return 'code' in error && error.code === 'forbidden'
}
