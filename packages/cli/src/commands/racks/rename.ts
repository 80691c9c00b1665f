import type { DefineCommand } from '../../command-table.ts'
import { readChosenRack, rememberRack } from '../../config-folder/login-state.ts'
import { connectToHost } from '../../connect.ts'
import { parseWholeName, rackPath } from '../../console-racks.ts'
import type { Context, GlobalOptions } from '../../context.ts'
import { UsageError } from '../../failures.ts'
import { checkedRackName, rackName } from '../../rack-name.ts'

export const defineRename: DefineCommand = (command, context) => {
  command
    .argument('<org/name>', 'the Rack, by its whole name')
    .argument('<new-name>', 'its new name in the same organization')
    .addHelpText('after', '\nExample:\n  $ convox racks rename acme/lab test')
    .action((name: string, newName: string, options: GlobalOptions) =>
      rename(context, name, newName, options),
    )
}

async function rename(
  context: Context,
  typed: string,
  newTyped: string,
  options: GlobalOptions,
): Promise<void> {
  const { folder, terminal } = context
  const { organization } = parseWholeName(typed)
  const name = newNameIn(organization, newTyped)
  const connection = await connectToHost(context, options)
  const path = await rackPath(connection, typed)
  const { body } = await terminal.progress(`Renaming ${typed}`, () =>
    connection.request('PATCH', path, { json: { name } }),
  )
  const { RackSummary } = await import('@keyrack/protocol/resources')
  const renamed = checkedRackName(rackName(RackSummary.parse(JSON.parse(body))), 'the Console')
  const host = connection.target.host.name
  // Whoever had chosen it has still chosen it.
  if (readChosenRack(folder, host) === typed) await rememberRack(folder, host, renamed)
  terminal.print(`${typed} is now ${renamed}`)
}

/** `test`, or `acme/test` where the Rack is in acme. */
function newNameIn(organization: string, typed: string): string {
  if (!typed.includes('/')) return typed
  const whole = parseWholeName(typed)
  if (whole.organization === organization) return whole.name
  throw new UsageError(
    `a Rack stays in its organization, and that is ${organization}`,
    'give the new name alone',
  )
}
