import type { DefineCommand } from '../../command-table.ts'
import { connectToHost } from '../../connect.ts'
import { rackPath } from '../../console-racks.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { Failure } from '../../failures.ts'

interface RemoveOptions extends GlobalOptions {
  force?: true
}

export const defineRemove: DefineCommand = (command, context) => {
  command
    .argument('<org/name>', 'the Rack, by its whole name')
    .option('--force', 'do not ask')
    .addHelpText(
      'after',
      '\nThe Rack runs on with its key; the Console forgets both, and ends what is under way there.\n' +
        '\nExamples:\n  $ convox racks remove acme/lab\n  $ convox racks remove acme/lab --force',
    )
    .action((name: string, options: RemoveOptions) => remove(context, name, options))
}

async function remove(context: Context, name: string, options: RemoveOptions): Promise<void> {
  const connection = await connectToHost(context, options)
  const path = await rackPath(connection, name)
  if (!options.force) await confirm(context, name)
  await context.terminal.progress(`Removing ${name}`, () => connection.request('DELETE', path))
}

async function confirm({ terminal }: Context, name: string): Promise<void> {
  if (!terminal.canAsk) {
    throw new Failure(
      `nobody could use ${name} through the Console any more, and there is no terminal to ask at`,
      `if it shall be so: convox racks remove ${name} --force`,
    )
  }
  const typed = await terminal.askLine(
    `Nobody will be able to use ${name} through the Console, which forgets its key.\nType ${name} to go on: `,
  )
  if (typed?.trim() !== name) throw new Failure('nothing was removed: that was not its name')
}
