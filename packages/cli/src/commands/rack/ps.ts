import type { Process } from '@keyrack/protocol/resources'
import type { DefineCommand } from '../../command-table.ts'
import { connectToRack } from '../../connect.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { relativeTime } from '../../relative-time.ts'
import { formatTable } from '../../table.ts'

interface PsOptions extends GlobalOptions {
  all?: true
  json?: true
}

const HEAD = ['ID', 'APP', 'SERVICE', 'STATUS', 'RELEASE', 'STARTED', 'COMMAND']

export const definePs: DefineCommand = (command, context) => {
  command
    .option('-a, --all', 'also those of the apps')
    .option('--json', "print the server's list as JSON")
    .addHelpText('after', '\nExamples:\n  $ convox rack ps\n  $ convox rack ps --all --json')
    .action((options: PsOptions) => ps(context, options))
}

async function ps(context: Context, options: PsOptions): Promise<void> {
  const { terminal } = context
  const path = options.all ? '/system/processes?all=true' : '/system/processes'
  const connection = await connectToRack(context, options)
  if (options.json) {
    terminal.printJson(await connection.get(path, (value) => value ?? []))
    return
  }
  const { Processes } = await import('@keyrack/protocol/resources')
  const list = await connection.get(path, (value) => Processes.parse(value))
  terminal.print(formatTable([HEAD, ...list.map(row)]))
}

function row(one: Process): string[] {
  const { id, app, name, status, release, started, command } = one
  return [id, app, name, status, release, relativeTime(started), command]
}
