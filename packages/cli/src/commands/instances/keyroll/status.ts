import type { KeyrollStatus } from '@keyrack/protocol/resources'
import type { DefineCommand } from '../../../command-table.ts'
import { connectToRack } from '../../../connect.ts'
import type { Context, GlobalOptions } from '../../../context.ts'
import { Failure } from '../../../failures.ts'
import { readKeyroll } from '../../../read-keyroll.ts'
import { relativeTime } from '../../../relative-time.ts'
import { formatTable } from '../../../table.ts'

interface StatusOptions extends GlobalOptions {
  json?: true
}

export const defineKeyrollStatus: DefineCommand = (command, context) => {
  command
    .option('--json', "print the server's answer as JSON")
    .addHelpText(
      'after',
      '\nShows the newest keyroll: which instances have the new key, and what keeps the others.\n' +
        'Older keys are those that may still open an instance.\n' +
        '\nExample:\n  $ convox instances keyroll status',
    )
    .action((options: StatusOptions) => status(context, options))
}

async function status(context: Context, options: StatusOptions): Promise<void> {
  const { terminal } = context
  const connection = await connectToRack(context, options)
  const keyroll = await readKeyroll(connection)
  if (keyroll === undefined) {
    throw new Failure('this Rack does not tell how far a keyroll is', 'see: convox rack')
  }
  if (options.json) return terminal.printJson(keyroll)
  terminal.print(formatTable(facts(keyroll)))
  if (keyroll.instances.length === 0) return
  const rows = keyroll.instances.map(({ id, state, problem }) => [id, state, problem])
  terminal.print(`\n${formatTable([['ID', 'STATE', 'PROBLEM'], ...rows])}`)
}

function facts(keyroll: KeyrollStatus): string[][] {
  const { state, generation, mode, started, finished } = keyroll
  const older = keyroll['older-generations']
  return [
    ['State', state],
    ['Generation', String(generation)],
    ['Mode', mode],
    ['Started', started === '' ? '' : relativeTime(started)],
    ['Finished', finished === '' ? '' : relativeTime(finished)],
    ['Older keys', older.join(', ')],
  ].filter(([, value]) => value !== '')
}
