import type { DefineCommand } from '../../../../command-table.ts'
import type { GlobalOptions } from '../../../../context.ts'
import { connectToAccess } from '../../../../rack-access.ts'

export const defineRotate: DefineCommand = (command, context) => {
  command
    .addHelpText(
      'after',
      '\nEvery access token that was made before is refused at once. The key of the Rack stays.\n' +
        '\nExample:\n  $ convox rack access key rotate',
    )
    .action(async (options: GlobalOptions) => {
      const connection = await connectToAccess(context, options)
      await context.terminal.progress('Rotating the key of access tokens', () =>
        connection.path === undefined
          ? connection.request('PUT', '/system/jwt/rotate')
          : connection.request('POST', `${connection.path}/rotate`),
      )
    })
}
