import type { DefineCommand } from '../../../command-table.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { UsageError } from '../../../failures.ts'
import { connectToAccess } from '../../../rack-access.ts'

export const defineAccessRevoke: DefineCommand = (command, context) => {
  command
    .argument('<id>', 'as convox rack access list shows it')
    .addHelpText('after', '\nExample:\n  $ convox rack access revoke Zb3eZ0mNq8yqv6Jk1s2f4A')
    .action((id: string, options: GlobalOptions) => revoke(context, options, id))
}

async function revoke(context: Context, options: GlobalOptions, id: string): Promise<void> {
  // Not repeated: somebody may have given the token in its place.
  if (!/^[\w-]{1,64}$/.test(id)) {
    throw new UsageError('that is no id of a token', 'see: convox rack access list')
  }
  const connection = await connectToAccess(context, options)
  await context.terminal.progress('Revoking the token', () =>
    connection.request('DELETE', `${connection.path ?? '/system/jwt/tokens'}/${id}`),
  )
}
