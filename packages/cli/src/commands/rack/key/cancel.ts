import type { DefineCommand } from '../../../command-table.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { endOfRoll, followRoll } from '../../../follow-roll.ts'
import { connectToRackKey } from '../../../rack-key.ts'

export const defineCancel: DefineCommand = (command, context) => {
  command
    .argument('[org/rack]', 'the Rack, if not the chosen one')
    .addHelpText(
      'after',
      '\nTakes a roll back before its new key is in force: the Rack forgets the new key, which is proved\n' +
        'and then destroyed.\n\nExample:\n  $ convox rack key cancel acme/live',
    )
    .action((rack: string | undefined, options: GlobalOptions) => cancel(context, options, rack))
}

async function cancel(context: Context, options: GlobalOptions, typed?: string): Promise<void> {
  const connection = await connectToRackKey(context, options, typed)
  await connection.request('POST', `${connection.path}/roll/cancel`, { json: {} })
  context.terminal.print(endOfRoll(await followRoll(context, connection)))
}
