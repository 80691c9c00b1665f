import type { Connection } from './connect.ts'
import { Failure, UsageError } from './failures.ts'
import { fetchRacks } from './list-racks.ts'
import { rackName } from './rack-name.ts'

/** `acme/live`, in its two halves: what changes a Rack never guesses which one is meant. */
export interface WholeName {
  organization: string
  name: string
}

export function parseWholeName(typed: string): WholeName {
  const [, organization, name] = /^([^/\s]+)\/([^/\s]+)$/.exec(typed) ?? []
  if (organization !== undefined && name !== undefined) return { organization, name }
  throw new UsageError(
    `"${typed.slice(0, 100)}" is not the whole name of a Rack`,
    'give both halves, as in acme/production',
  )
}

/** The names of the Racks; a Rack logged in to directly has none to change. */
export async function consoleRacks(connection: Connection): Promise<string[]> {
  const fetched = await fetchRacks(connection)
  if (fetched !== undefined) return fetched.racks.map(rackName)
  throw new Failure(
    `${connection.target.host.name} is a Rack itself`,
    'log in to a Console: convox login HOST',
  )
}

/** The path of a Rack that is there, in the Console's JSON API. */
export async function rackPath(connection: Connection, typed: string): Promise<string> {
  const { organization, name } = parseWholeName(typed)
  if ((await consoleRacks(connection)).includes(typed)) return `/api/racks/${organization}/${name}`
  throw new Failure(`there is no Rack "${typed}"`, 'see which there are: convox racks')
}
