import type { DefineCommand } from '../command-table.ts'
import { readKeys } from '../config-folder/login-state.ts'
import { connectToHost } from '../connect.ts'
import type { Context, GlobalOptions } from '../context.ts'
import { NotLoggedIn } from '../failures.ts'
import { localName } from '../installed/installed-rack.ts'
import { type InstalledRack, listInstalled } from '../installed/installed-status.ts'
import { listRacks, type RackList } from '../list-racks.ts'
import { rackName } from '../rack-name.ts'
import { type RackElsewhere, racksElsewhere } from '../racks-elsewhere.ts'
import { formatTable } from '../table.ts'
import { findHost, findInstalledTarget, findRack } from '../target.ts'

interface RacksOptions extends GlobalOptions {
  json?: true
}

const NONE: RackList = { racks: [], raw: [], direct: false }

export const defineRacks: DefineCommand = (command, context) => {
  command
    .option('--json', "print the server's list as JSON, with the Racks of this machine behind it")
    .addHelpText(
      'after',
      '\nRacks that convox install made on this machine are called local/NAME; --host leaves them out.\n' +
        'Where commands go to one of these, the Racks of every Console that you are logged in to are listed.\n' +
        '\nExamples:\n  $ convox racks\n  $ convox racks --json',
    )
    .action((options: RacksOptions) => racks(context, options))
}

async function racks(context: Context, options: RacksOptions): Promise<void> {
  const { terminal } = context
  const installed = options.host === undefined ? await listInstalled(context) : []
  const active = activeHost(context, options)
  // A Rack of this machine that is the active host would be asked, and listed, twice; who is logged
  // in nowhere may still have Racks of their own.
  const alone = active === undefined && context.environment.rackUrl === undefined
  const others = installed.length + (alone ? readKeys(context.folder).size : 0)
  const known = installed.some(({ host }) => host === active) || (alone && others > 0)
  const local = new Set(installed.flatMap(({ host }) => host ?? []))
  const elsewhere = known ? await racksElsewhere(context, local) : []
  let failure: unknown
  const list = known
    ? NONE
    : await askHost(context, options).catch((error: unknown) => {
        if (options.json || installed.length === 0) throw error
        // What is known is worth seeing, but it is not all.
        failure = error
        return NONE
      })
  if (options.json) {
    terminal.printJson(withMore(list.raw, elsewhere, installed))
    return
  }
  const chosen = findInstalledTarget(context, options)?.host.name ?? active
  const rack = active === undefined ? undefined : findRack(context, options, active)?.name
  const rows = [
    ...list.racks.map((entry) => {
      const name = rackName(entry)
      const current = list.direct ? name === chosen : name === rack
      return [name, entry.status, current ? '*' : '']
    }),
    ...elsewhere.map(({ name, entry }) => [name, entry.status, '']),
    ...installed.map(({ name, host, status }) => {
      return [localName(name), status, host !== undefined && host === chosen ? '*' : '']
    }),
  ]
  terminal.print(formatTable([['NAME', 'STATUS', 'CURRENT'], ...rows]))
  if (failure !== undefined) throw failure
  if (rows.length === 0) terminal.note(`there are no Racks for you at ${active ?? 'any host'}`)
}

async function askHost(context: Context, options: GlobalOptions): Promise<RackList> {
  return listRacks(await connectToHost(context, options))
}

function activeHost(context: Context, options: GlobalOptions): string | undefined {
  try {
    return findHost(context, options).name
  } catch (error) {
    if (error instanceof NotLoggedIn) return undefined
    throw error
  }
}

/** In the shape of the server's own entries (protocol.md 2.1), and where they are reached. */
function withMore(
  raw: unknown,
  elsewhere: readonly RackElsewhere[],
  installed: readonly InstalledRack[],
): unknown {
  if (elsewhere.length + installed.length === 0) return raw
  const others = elsewhere.map(({ entry, host }) => ({ ...entry, host }))
  const entries = installed.map(({ name, host, status }) => ({
    name,
    organization: { id: '', name: 'local' },
    provider: 'local',
    status,
    host,
  }))
  return [...(Array.isArray(raw) ? raw : []), ...others, ...entries]
}
