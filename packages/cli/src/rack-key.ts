import { type Connection, connectToHost } from './connect.ts'
import { consoleRacks, rackPath } from './console-racks.ts'
import type { Context, GlobalOptions } from './context.ts'
import { Failure } from './failures.ts'
import { pickRack } from './rack-name.ts'
import { findInstalledTarget, findRack } from './target.ts'

export interface RackKeyConnection extends Connection {
  /** `acme/live` */
  rack: string
  /** `/api/racks/acme/live/key` */
  path: string
}

/** The key of a Rack is its Console's affair; a Rack logged in to directly has nobody to ask. */
export async function connectToRackKey(
  context: Context,
  options: GlobalOptions,
  typed?: string,
): Promise<RackKeyConnection> {
  if (typed === undefined && findInstalledTarget(context, options) !== undefined) {
    throw new Failure(
      'this Rack is logged in to directly, and only a Console rolls keys',
      'put it under a Console: convox racks add ORG/NAME --host HOST',
    )
  }
  const connection = await connectToHost(context, options)
  const rack = typed ?? (await chosenRack(context, options, connection))
  return { ...connection, rack, path: `${await rackPath(connection, rack)}/key` }
}

async function chosenRack(
  context: Context,
  options: GlobalOptions,
  connection: Connection,
): Promise<string> {
  const names = await consoleRacks(connection)
  const chosen = findRack(context, options, connection.target.host.name)
  if (chosen !== undefined) return pickRack(chosen.name, names)
  throw new Failure('no Rack is selected', 'say which one: convox rack key status ORG/RACK')
}
