import { type Connection, connectToHost, connectToRack } from './connect.ts'
import { rackPath } from './console-racks.ts'
import type { Context, GlobalOptions } from './context.ts'
import { Failure } from './failures.ts'
import { fetchRacks } from './list-racks.ts'
import { pickRack, rackName } from './rack-name.ts'
import { findInstalledTarget, findRack } from './target.ts'

export interface AccessConnection extends Connection {
  /** `/api/racks/acme/live/access`; undefined at a Rack itself. */
  path?: string
}

/**
 * Access tokens are asked of the Console where there is one, which knows who made them and ends them
 * with their minter; a Rack logged in to directly makes them itself.
 */
export async function connectToAccess(
  context: Context,
  options: GlobalOptions,
): Promise<AccessConnection> {
  if (findInstalledTarget(context, options) !== undefined) return connectToRack(context, options)
  const connection = await connectToHost(context, options)
  const fetched = await fetchRacks(connection)
  if (fetched === undefined) return connectToRack(context, options)
  const names = fetched.racks.map(rackName)
  const chosen = findRack(context, options, connection.target.host.name)
  if (chosen === undefined) {
    throw new Failure('no Rack is selected', 'say which one with --rack ORG/RACK')
  }
  const path = await rackPath(connection, pickRack(chosen.name, names))
  return { ...connection, path: `${path}/access` }
}
