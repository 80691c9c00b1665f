import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { readParameters } from '../../read-parameters.ts'
import { formatTable } from '../../table.ts'

interface ParamsOptions extends GlobalOptions {
  json?: true
}

export const defineParams: DefineCommand = (command, context) => {
  command
    .option('--json', 'print the parameters as a JSON object')
    .addHelpText(
      'after',
      '\nA value that is hidden is shown as ****.\n' +
        '\nExamples:\n  $ convox rack params\n  $ convox rack params set InstanceCount=4',
    )
    .action((options: ParamsOptions) => params(context, options))
}

async function params(context: Context, options: ParamsOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToRack(context, options)
  const parameters = await readParameters(connection)
  if (options.json) {
    terminal.printJson(parameters)
    return
  }
  const rows = Object.entries(parameters).sort(([one], [other]) => (one < other ? -1 : 1))
  terminal.print(formatTable([['NAME', 'VALUE'], ...rows]))
  if (rows.length === 0) terminal.note('this Rack tells no parameters')
}
