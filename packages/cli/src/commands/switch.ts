import type { DefineCommand } from '../command-table.ts'
import { activateHost, readKeys, rememberRack } from '../config-folder/login-state.ts'
import { type Connection, connectToHost } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { Failure, NotLoggedIn } from '../failures.ts'
import { installedNames, localName, peekRecord } from '../installed/installed-rack.ts'
import { fetchRacks } from '../list-racks.ts'
import { checkedRackName, pickRack, rackName } from '../rack-name.ts'
import { racksElsewhere } from '../racks-elsewhere.ts'
import { chooseRack, findHost, rackOverride } from '../target.ts'

export const defineSwitch: DefineCommand = (command, context) => {
  command
    .argument('[org/rack]', 'the Rack; its bare name or a part is enough if only one has it')
    .addHelpText(
      'after',
      '\nFrom a Rack itself it leads back to a Console that you are logged in to.\n' +
        '\nExamples:\n  $ convox switch acme/dev\n  $ convox switch local/lab\n  $ convox switch',
    )
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
  const installed = rack.name === host ? localNames(context).get(host) : undefined
  context.terminal.print(installed ?? rack.name)
}

interface Found {
  host: string
  rack: string
  /** As it is shown. */
  name: string
  /** Whether it is at another host than commands went to so far. */
  moves: boolean
}

async function switchTo(context: Context, options: GlobalOptions, typed: string): Promise<void> {
  const { folder, terminal } = context
  const local = options.host === undefined ? localNames(context) : new Map<string, string>()
  const { host, rack, name, moves } = await find(context, options, typed, local)
  await (moves ? activateHost : rememberRack)(folder, host, rack)
  terminal.print(`Switched to ${name}`)
  const override = rackOverride(context)
  if (override !== undefined) terminal.warn(`${override} still chooses another Rack here`)
}

/** The Racks of this machine by their hosts: each is a host of its own. */
function localNames({ folder }: Context): Map<string, string> {
  const names = new Map<string, string>()
  for (const name of installedNames(folder)) {
    const record = peekRecord(folder, name)
    if (record?.installed) names.set(record.host, localName(name))
  }
  return names
}

async function find(
  context: Context,
  options: GlobalOptions,
  typed: string,
  local: ReadonlyMap<string, string>,
): Promise<Found> {
  const installed = [...local].map(
    ([host, name]): Found => ({
      host,
      rack: host,
      name,
      moves: true,
    }),
  )
  const exact = installed.find(({ host, name }) => typed === name || typed === host)
  if (exact !== undefined) return exact
  const active = activeHost(context, options, local)
  const here =
    active === undefined ? undefined : await racksAt(await connectToHost(context, options))
  // Only who is at no Console is taken to another host.
  const elsewhere = async (): Promise<Found[]> => {
    const racks = await racksElsewhere(context, new Set(local.keys()))
    return racks.map(({ host, name }) => ({ host, rack: name, name, moves: true }))
  }
  const racks = here ?? (options.host === undefined ? await elsewhere() : [])
  if (here === undefined && racks.length + installed.length === 0 && active !== undefined) {
    throw new Failure(
      `${active} is a Rack itself, so there is nothing to choose`,
      'log in to a Console to have several: convox login HOST',
    )
  }
  const all = [...racks, ...installed]
  const picked = pickRack(
    typed,
    all.map(({ name }) => name),
  )
  const found = all.find(({ name }) => name === picked)
  if (found === undefined) throw new TypeError('picked a Rack that is not there')
  return found
}

/** The host to ask first; undefined where that is a Rack of this machine, or nothing. */
function activeHost(
  context: Context,
  options: GlobalOptions,
  local: ReadonlyMap<string, string>,
): string | undefined {
  try {
    const host = findHost(context, options).name
    return local.has(host) ? undefined : host
  } catch (error) {
    const others = local.size + readKeys(context.folder).size
    if (error instanceof NotLoggedIn && others > 0) return undefined
    throw error
  }
}

/** Undefined where the host is a Rack itself. */
async function racksAt(connection: Connection): Promise<Found[] | undefined> {
  const host = connection.target.host.name
  const fetched = await fetchRacks(connection)
  return fetched?.racks.map((entry) => {
    const rack = checkedRackName(rackName(entry), host)
    return { host, rack, name: rack, moves: false }
  })
}
