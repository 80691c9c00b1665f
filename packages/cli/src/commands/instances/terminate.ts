import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { instancePath } from '../../instance-path.ts'

export const defineTerminate: DefineCommand = (command, context) => {
  command
    .argument('<id>', 'an instance, as convox instances lists it')
    .addHelpText('after', '\nExample:\n  $ convox instances terminate i-1')
    .action((id: string, options: GlobalOptions) => terminate(context, options, id))
}

async function terminate(context: Context, options: GlobalOptions, id: string): Promise<void> {
  const path = instancePath(id)
  const connection = await connectToRack(context, options)
  await context.terminal.progress('Terminating instance', () => connection.request('DELETE', path))
}
