import type { DefineCommand } from '../command-table.ts'
import { connectToRack } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { formatTable } from '../table.ts'

interface RackOptions extends GlobalOptions {
  json?: true
}

export const defineRack: DefineCommand = (command, context) => {
  command
    .option('--json', "print the server's answer as JSON")
    .addHelpText('after', '\nExamples:\n  $ convox rack\n  $ convox rack -r acme/dev --json')
    .action((options: RackOptions) => rack(context, options))
}

async function rack(context: Context, options: RackOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToRack(context, options)
  if (options.json) {
    terminal.printJson(await connection.get('/system', (value) => value))
    return
  }
  const { System } = await import('@keyrack/protocol/resources')
  const system = await connection.get('/system', (value) => System.parse(value))
  const rows = [
    ['Name', system.name],
    ['Status', system.status],
    ['Provider', system.provider],
    ['Region', system.region],
    ['Version', system.version],
    ['Count', system.count === 0 ? '' : String(system.count)],
    ['Type', system.type],
    ['Domain', system.domain],
  ]
  terminal.print(formatTable(rows.filter(([, value]) => value !== '')))
}
