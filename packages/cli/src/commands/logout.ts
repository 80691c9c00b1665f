import type { DefineCommand } from '../command-table.ts'
import { forgetLogin } from '../config-folder/login-state.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { Failure, NotLoggedIn, UsageError } from '../failures.ts'
import { parseHost } from '../host.ts'
import { findInstalledAt, localName } from '../installed/installed-rack.ts'
import { findHost } from '../target.ts'

export const defineLogout: DefineCommand = (command, context) => {
  command
    .argument('[host]', 'the host to leave; the active one if not given')
    .addHelpText('after', '\nExamples:\n  $ convox logout\n  $ convox logout localhost:3443')
    .action((host: string | undefined, options: GlobalOptions) => logout(context, options, host))
}

async function logout(
  context: Context,
  options: GlobalOptions,
  typed: string | undefined,
): Promise<void> {
  const { folder, terminal, environment } = context
  if (typed !== undefined && options.host !== undefined) {
    throw new UsageError('two hosts were given', 'give one')
  }
  const host = typed === undefined ? findHost(context, options).name : parseHost(typed).name
  const installed = findInstalledAt(folder, host)
  if (installed !== undefined) {
    throw new Failure(
      `the only key of ${localName(installed)} is stored here, so it is not removed`,
      `leave it: convox switch, or remove it with its Rack: convox uninstall ${installed}`,
    )
  }
  if (!(await forgetLogin(folder, host))) {
    throw new NotLoggedIn(`not logged in to ${host}`, 'see where you are: convox auth')
  }
  terminal.print(`Logged out of ${host}`)
  if (environment.password !== undefined) {
    terminal.warn('CONVOX_PASSWORD still holds a key; run: unset CONVOX_PASSWORD')
  }
}
