import type { DefineCommand } from '../command-table.ts'
import { connectToHost } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { listRacks } from '../list-racks.ts'
import { rackName } from '../rack-name.ts'
import { formatTable } from '../table.ts'
import { findRack } from '../target.ts'

interface RacksOptions extends GlobalOptions {
  json?: true
}

export const defineRacks: DefineCommand = (command, context) => {
  command
    .option('--json', "print the server's list as JSON")
    .addHelpText('after', '\nExamples:\n  $ convox racks\n  $ convox racks --json')
    .action((options: RacksOptions) => racks(context, options))
}

async function racks(context: Context, options: RacksOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToHost(context, options)
  const host = connection.target.host.name
  const list = await listRacks(connection)
  if (options.json) {
    terminal.printJson(list.raw)
    return
  }
  const chosen = findRack(context, options, host)?.name ?? (list.direct ? host : undefined)
  const rows = list.racks.map((rack) => {
    const name = rackName(rack)
    return [name, rack.status, name === chosen ? '*' : '']
  })
  terminal.print(formatTable([['NAME', 'STATUS', 'CURRENT'], ...rows]))
  if (rows.length === 0) terminal.note(`there are no Racks for you at ${host}`)
}
