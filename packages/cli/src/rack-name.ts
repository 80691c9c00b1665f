import { Failure, UsageError } from './failures.ts'

/** What is shown and sent for an entry of `GET /racks`. */
export function rackName(entry: { name: string; organization: { name: string } }): string {
  return entry.organization.name === '' ? entry.name : `${entry.organization.name}/${entry.name}`
}

/**
 * The Rack that a person means, as official CLIs understand it: the whole name, else the only one
 * with that bare name, else the only one that contains the text.
 */
export function pickRack(typed: string, names: readonly string[]): string {
  if (names.includes(typed)) return typed
  // Every name contains nothing: an empty variable in a script must not choose the only Rack.
  if (typed.trim() === '')
    throw new UsageError('the name of the Rack is empty', 'see which there are: convox racks')
  const bare = names.filter((name) => name.slice(name.indexOf('/') + 1) === typed)
  const matches = bare.length > 0 ? bare : names.filter((name) => name.includes(typed))
  const [match] = matches
  if (match !== undefined && matches.length === 1) return match
  if (matches.length > 1) {
    throw new Failure(`"${typed}" can be ${matches.join(' or ')}`, 'give the whole name')
  }
  throw new Failure(`there is no Rack "${typed}"`, 'see which there are: convox racks')
}

/** A host in the place of a Rack stands for "no Rack": the login is to a Rack itself. */
export function isHostInsteadOfRack(rack: string, host: string): boolean {
  if (rack === host) return true
  return !rack.includes('/') && /[.:]/.test(rack)
}

/** Nothing that could end a header or act on a terminal is sent or stored as a Rack. */
export function checkedRackName(rack: string, source: string): string {
  if (rack.length <= 200 && rack.trim() !== '' && !/\p{C}/u.test(rack)) return rack
  throw new Failure(
    `the Rack name from ${source} is not one`,
    REPAIR[source] ?? 'write one into it, as in acme/dev, or choose one: convox switch ORG/RACK',
  )
}

const REPAIR: Readonly<Record<string, string>> = {
  '--rack': 'give one, as in: -r acme/dev',
  CONVOX_RACK: 'give one, as in: export CONVOX_RACK=acme/dev',
}
