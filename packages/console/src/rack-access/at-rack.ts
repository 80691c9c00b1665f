import type { RackEntry } from '../directory.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import type { AccessDomain } from './token-endings.ts'
import { type TokenRoutes, tokenRoutes } from './token-routes.ts'

/** Asks a Rack with its key of this moment; a roll waits with ending that key until it is answered. */
export async function atRack<T>(
  {
    directory,
    guard,
    keyring,
    rolls,
  }: Pick<AccessDomain, 'directory' | 'guard' | 'keyring' | 'rolls'>,
  found: RackEntry,
  work: (routes: TokenRoutes) => Promise<T>,
): Promise<T> {
  const rack = directory.rackById(found.id) ?? found
  const through = rolls.begin(rack)
  try {
    return await work(tokenRoutes(guard, rack, openRackKey(keyring, rack)))
  } finally {
    through()
  }
}
