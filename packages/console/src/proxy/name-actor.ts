/**
 * Part of step 4: one of our own Racks is told on whose behalf it is asked, signed, with the row of
 * our audit log that says so. Official Racks have no use for it, and nobody else hears of it.
 */
import { ACTOR_HEADER, signActor } from '@keyrack/protocol/audit'
import type { RackEntry } from '../directory.ts'
import type { ConsoleIdentity } from '../rack-rolls/console-identity.ts'
import type { Recording } from './record.ts'

/** The header, raw, or nothing for what is not recorded and for Racks that are not ours. */
export function nameActor(
  { id, privateKey }: ConsoleIdentity,
  rack: Pick<RackEntry, 'remoteId'>,
  { recorded }: Recording,
): string[] {
  if (recorded === undefined || rack.remoteId === null) return []
  const statement = { console: id, rack: rack.remoteId, ...recorded }
  return [ACTOR_HEADER, signActor(statement, privateKey)]
}
