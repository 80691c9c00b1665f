import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { GlobalOptions } from '../../context.ts'
import { waitForRack } from '../../wait-for-rack.ts'

export const defineWait: DefineCommand = (command, context) => {
  command
    .addHelpText(
      'after',
      '\nFails when the Rack failed, or does not run after 35 minutes.\n' +
        '\nExample:\n  $ convox rack scale --count 4 && convox rack wait',
    )
    .action(async (options: GlobalOptions) => {
      await waitForRack(context.terminal, await connectToRack(context, options))
    })
}
