/**
 * Step 2: which Rack is meant. Official CLIs send whatever was typed (protocol.md 2.3), so bare and
 * partial names are resolved here: exact `org/rack`, else a unique bare name, else a unique part.
 */
import { KeyrackError } from '@keyrack/protocol'
import type { Actor, Directory, RackEntry } from '../directory.ts'

export function findRack(
  directory: Pick<Directory, 'racksOf'>,
  actor: Actor,
  wanted: string | undefined,
): RackEntry {
  const name = wanted?.trim() ?? ''
  if (name === '') {
    throw new KeyrackError('invalid', 'no Rack is selected', {
      field: 'Rack',
      hint: 'list them with: convox racks, then choose one with: convox switch <org/rack>',
    })
  }
  // Somebody else's Racks are not among these, so they cannot be told from absent ones.
  const racks = directory.racksOf(actor)
  const exact = racks.find((rack) => displayName(rack) === name)
  if (exact !== undefined) return exact
  for (const candidates of [
    racks.filter((rack) => rack.name === name),
    racks.filter((rack) => displayName(rack).includes(name)),
  ]) {
    const [only, ...others] = candidates
    if (only !== undefined && others.length === 0) return only
    if (only !== undefined) throw ambiguous(name, candidates)
  }
  throw new KeyrackError('not-found', `could not find rack: ${printable(name)}`, {
    field: 'Rack',
    hint: 'list yours with: convox racks',
  })
}

/** `org/rack`, as people see and type it. */
export function displayName(rack: Pick<RackEntry, 'name' | 'organization'>): string {
  return `${rack.organization.name}/${rack.name}`
}

function ambiguous(name: string, candidates: readonly RackEntry[]): KeyrackError {
  const names = candidates.map(displayName).join(', ')
  return new KeyrackError('invalid', `ambiguous rack name: ${printable(name)} (${names})`, {
    field: 'Rack',
    hint: 'give the whole name',
  })
}

function printable(name: string): string {
  return name.replaceAll(/[^\x20-\x7e]/g, '?').slice(0, 100)
}
