import type { DefineCommand } from '../../command-table.ts'
import { type Connection, connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { codeOf } from '../../error-code.ts'
import { instancePath } from '../../instance-path.ts'

export const defineRekey: DefineCommand = (command, context) => {
  command
    .argument('<id>', 'an instance, as convox instances lists it')
    .addHelpText(
      'after',
      '\nAfter a disaster, for example when authorized_keys of the instance was lost: prints the line to\n' +
        'put there by another way (a console of the cloud, a rescue system), then checks that the Rack\n' +
        'logs in and removes what older keys of the Rack are left. Safe to repeat.\n' +
        '\nExample:\n  $ convox instances rekey i-1',
    )
    .action((id: string, options: GlobalOptions) => rekey(context, options, id))
}

async function rekey(context: Context, options: GlobalOptions, id: string): Promise<void> {
  const { terminal } = context
  const path = instancePath(id)
  const connection = await connectToRack(context, options)
  const { AuthorizedKeys } = await import('@keyrack/protocol/resources')
  const { user, lines } = await connection.get(`${path}/authorized-keys`, (value) =>
    AuthorizedKeys.parse(value),
  )
  terminal.note(`~/.ssh/authorized_keys of ${user} on ${id} has to hold:`)
  terminal.print(lines.join('\n'))
  try {
    await check(context, connection, path)
  } catch (error) {
    if (codeOf(error) !== 'rack-broken' || !terminal.canAsk) throw error
    await terminal.askLine('Put it there, then press Enter: ')
    await check(context, connection, path)
  }
}

function check({ terminal }: Context, connection: Connection, path: string): Promise<unknown> {
  return terminal.progress('Logging in with it', () => connection.request('POST', `${path}/rekey`))
}
