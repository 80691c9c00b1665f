import type { DefineCommand } from '../command-table.ts'
import { rememberRack } from '../config-folder/login-state.ts'
import { connectToHost } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { Failure } from '../failures.ts'
import { listRacks } from '../list-racks.ts'
import { checkedRackName, pickRack, rackName } from '../rack-name.ts'
import { chooseRack, findHost, rackOverride } from '../target.ts'

export const defineSwitch: DefineCommand = (command, context) => {
  command
    .argument('[org/rack]', 'the Rack; its bare name or a part is enough if only one has it')
    .addHelpText('after', '\nExamples:\n  $ convox switch acme/dev\n  $ convox switch')
    .action((rack: string | undefined, options: GlobalOptions) =>
      rack === undefined ? showRack(context, options) : switchTo(context, options, rack),
    )
}

function showRack(context: Context, options: GlobalOptions): void {
  const host = findHost(context, options).name
  const rack = chooseRack(context, options, host)
  if (rack === undefined) {
    throw new Failure(`no Rack is chosen at ${host}`, 'run: convox switch ORG/RACK')
  }
  context.terminal.print(rack.name)
}

async function switchTo(context: Context, options: GlobalOptions, typed: string): Promise<void> {
  const connection = await connectToHost(context, options)
  const host = connection.target.host.name
  const { racks, direct } = await listRacks(connection)
  if (direct) {
    throw new Failure(
      `${host} is a Rack itself, so there is nothing to choose`,
      'log in to a Console to have several: convox login HOST',
    )
  }
  const rack = checkedRackName(pickRack(typed, racks.map(rackName)), host)
  await rememberRack(context.folder, host, rack)
  context.terminal.print(`Switched to ${rack}`)
  const override = rackOverride(context)
  if (override !== undefined) context.terminal.warn(`${override} still chooses another Rack here`)
}
