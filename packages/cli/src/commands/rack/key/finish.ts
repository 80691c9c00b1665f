import type { DefineCommand } from '../../../command-table.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { endOfRoll, followRoll } from '../../../follow-roll.ts'
import { connectToRackKey } from '../../../rack-key.ts'

interface FinishOptions extends GlobalOptions {
  force?: true
}

export const defineFinish: DefineCommand = (command, context) => {
  command
    .argument('[org/rack]', 'the Rack, if not the chosen one')
    .option('--force', 'also while somebody still uses the old key')
    .addHelpText(
      'after',
      '\nEnds the grace of a roll early. Refused while the old key is in use, with the addresses and\n' +
        'clients that use it.\n\nExample:\n  $ convox rack key finish acme/live',
    )
    .action((rack: string | undefined, options: FinishOptions) => finish(context, options, rack))
}

async function finish(context: Context, options: FinishOptions, typed?: string): Promise<void> {
  const connection = await connectToRackKey(context, options, typed)
  await connection.request('POST', `${connection.path}/roll/finish`, {
    json: { force: options.force === true },
  })
  context.terminal.print(endOfRoll(await followRoll(context, connection)))
}
