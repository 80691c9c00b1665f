import type { KeyStatus } from '@keyrack/protocol/key-resources'
import { openRackKey } from '../racks/open-rack-key.ts'
import { rackKeyRoutes } from './rack-key-routes.ts'
import { isInGrace, type Roll } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'
import { findRackRow } from './roll-rows.ts'

export type KeyUse = KeyStatus['uses'][number]

/**
 * Who has used the old key since its grace began, newest first, as the Rack has seen it. The
 * Console's own requests ended before, so whoever is here has a copy of the key elsewhere.
 */
export async function usesOfOldKey(domain: RollDomain, roll: Roll): Promise<KeyUse[]> {
  const rack = await findRackRow(domain.store.db, roll.rack_id)
  if (rack === undefined || !isInGrace(roll)) return []
  await domain.ledger.check(domain.store.db, 'racks', rack.id)
  const { id, url, pin, sealed_key: sealedKey, key_version: keyVersion } = rack
  const key = openRackKey(domain.keyring, { id, sealedKey, keyVersion })
  const local = rack.local_at !== null || rack.loopback_at !== null
  const place = { url: url ?? '', pin: pin ?? '', local }
  const { current, uses } = await rackKeyRoutes(domain.guard, place, key).status()
  return uses.filter((use) => use.key === 'ending' && use.last_at >= current.since)
}
