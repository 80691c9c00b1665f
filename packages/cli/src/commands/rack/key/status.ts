import type { KeyReport, KeyRoll } from '@keyrack/protocol/resources'
import type { DefineCommand } from '../../../command-table.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { timeOf } from '../../../follow-roll.ts'
import { connectToRackKey } from '../../../rack-key.ts'
import { relativeTime } from '../../../relative-time.ts'
import { formatTable } from '../../../table.ts'

interface StatusOptions extends GlobalOptions {
  json?: true
}

export const defineStatus: DefineCommand = (command, context) => {
  command
    .argument('[org/rack]', 'the Rack, if not the chosen one')
    .option('--json', "print the server's answer as JSON")
    .addHelpText(
      'after',
      '\nShows the last roll, who still uses the old key while both work, and the schedule.\n' +
        '\nExample:\n  $ convox rack key status acme/live',
    )
    .action((rack: string | undefined, options: StatusOptions) => status(context, options, rack))
}

async function status(context: Context, options: StatusOptions, typed?: string): Promise<void> {
  const { terminal } = context
  const connection = await connectToRackKey(context, options, typed)
  if (options.json) {
    terminal.printJson(await connection.get(connection.path, (value) => value))
    return
  }
  const { KeyReport } = await import('@keyrack/protocol/resources')
  const report = await connection.get(connection.path, (value) => KeyReport.parse(value))
  terminal.print(formatTable(rowsOf(report)))
  const uses = report.roll?.uses ?? []
  if (uses.length === 0) return
  terminal.note('The old key is still used by:')
  const rows = uses.map(({ address, client, last_at, count }) => [
    ...[address, client, relativeTime(new Date(last_at).toISOString()), String(count)],
  ])
  terminal.print(formatTable([['ADDRESS', 'CLIENT', 'LAST', 'TIMES'], ...rows]))
}

function rowsOf({ rack, version, roll, schedule }: KeyReport): string[][] {
  const rolled = schedule == null ? 'when asked' : `every ${spanOf(schedule.every_seconds)}`
  const rows = [
    ['Rack', rack],
    ['Key', `number ${version}`],
    ...(roll == null ? [['Last roll', 'none']] : rollRows(roll)),
    ['Rolled', rolled],
    ['Next', schedule == null ? '' : timeOf(schedule.next_at)],
  ]
  return rows.filter(([, value]) => value !== '')
}

function rollRows(roll: KeyRoll): string[][] {
  return [
    ['Last roll', roll.id],
    ['State', `${roll.state}: ${roll.detail}`],
    ['Started', `${timeOf(roll.started_at)} by ${roll.started_by}`],
    ['Error', roll.error ?? ''],
  ]
}

/** `30 days`; the server keeps seconds. */
function spanOf(seconds: number): string {
  const [count, unit] =
    seconds % 86_400 === 0 ? [seconds / 86_400, 'day'] : [seconds / 3_600, 'hour']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
