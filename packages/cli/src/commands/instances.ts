import type { Instance } from '@keyrack/protocol/resources'
import type { DefineCommand } from '../command-table.ts'
import { connectToRack } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { relativeTime } from '../relative-time.ts'
import { formatTable } from '../table.ts'

interface InstancesOptions extends GlobalOptions {
  json?: true
}

const HEAD = ['ID', 'STATUS', 'STARTED', 'PS', 'CPU', 'MEM', 'PUBLIC', 'PRIVATE']

export const defineInstances: DefineCommand = (command, context) => {
  command
    .option('--json', "print the server's list as JSON")
    .addHelpText('after', '\nExamples:\n  $ convox instances\n  $ convox instances ssh i-1')
    .action((options: InstancesOptions) => instances(context, options))
}

async function instances(context: Context, options: InstancesOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToRack(context, options)
  if (options.json) {
    terminal.printJson(await connection.get('/instances', (value) => value ?? []))
    return
  }
  const { Instances } = await import('@keyrack/protocol/resources')
  const list = await connection.get('/instances', (value) => Instances.parse(value))
  terminal.print(formatTable([HEAD, ...list.map(row)]))
}

function row(instance: Instance): string[] {
  return [
    instance.id,
    instance.status,
    relativeTime(instance.started),
    String(instance.processes),
    percent(instance.cpu),
    percent(instance.memory),
    instance['public-ip'],
    instance['private-ip'],
  ]
}

function percent(fraction: number): string {
  return `${(fraction * 100).toFixed(2)}%`
}
