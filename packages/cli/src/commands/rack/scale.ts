import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { UsageError } from '../../failures.ts'
import { formatTable } from '../../table.ts'
import { readSystem, waitForRack } from '../../wait-for-rack.ts'

interface ScaleOptions extends GlobalOptions {
  count?: string
  type?: string
  wait?: true
  json?: true
}

export const defineScale: DefineCommand = (command, context) => {
  command
    .option('--count <number>', 'how many instances the Rack has')
    .option('--type <type>', 'of what type they are; engines differ in what they offer')
    .option('--wait', 'wait until the Rack runs so')
    .option('--json', 'print what there is as JSON: count, type, status, autoscale')
    .addHelpText(
      'after',
      '\nWithout options it shows what there is.\n' +
        '\nExamples:\n  $ convox rack scale\n  $ convox rack scale --count 4 --wait',
    )
    .action((options: ScaleOptions) => scale(context, options))
}

async function scale(context: Context, options: ScaleOptions): Promise<void> {
  const { terminal } = context
  const form = readForm(options)
  const connection = await connectToRack(context, options)
  if (form === undefined) {
    const { count, status, type, parameters } = await readSystem(connection)
    const { Autoscale = '' } = parameters
    if (options.json) {
      terminal.printJson({ count, type, status, autoscale: Autoscale })
      return
    }
    const rows = [
      ['Autoscale', Autoscale],
      ['Count', String(count)],
      ['Status', status],
      ['Type', type],
    ]
    terminal.print(formatTable(rows.filter(([, value]) => value !== '')))
  } else {
    await terminal.progress('Scaling the Rack', () =>
      connection.request('PUT', '/system', { form }),
    )
  }
  if (options.wait) await waitForRack(terminal, connection)
}

function readForm({ count, type, ...rest }: ScaleOptions): Record<string, string> | undefined {
  if (rest.json && (count ?? type ?? rest.wait) !== undefined) {
    throw new UsageError('--json shows what there is and changes nothing', 'give it alone')
  }
  if (count !== undefined && !/^\d{1,9}$/.test(count)) {
    throw new UsageError('--count is a number of instances', 'for example: --count 4')
  }
  if (type !== undefined && !/^[\w.-]{1,100}$/.test(type)) {
    throw new UsageError('--type is one word', 'see the present one: convox rack scale')
  }
  if (count === undefined && type === undefined) return undefined
  return { ...(count === undefined ? {} : { count }), ...(type === undefined ? {} : { type }) }
}
