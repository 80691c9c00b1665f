/**
 * CRITICAL: every write of a Rack's sealed key, but that of adding a Rack, is in this file. A sealed
 * text is bound to the Rack and the version of its key; it moves between rows as it is.
 */
import { KeyrackError } from '@keyrack/protocol'
import { type Keyring, type Secret, seal } from '@keyrack/secrets'
import type { Tx } from '../context.ts'
import { rackKeyContext } from '../racks/open-rack-key.ts'
import type { Roll } from './roll.ts'

/** How many keys before the present one are kept, for a Rack that is restored from a backup. */
export const PREVIOUS_KEPT = 3

/** A key as it is sealed for a Rack's row, for that version of it. */
export function sealRackKey(
  keyring: Keyring,
  rackId: string,
  version: number,
  key: Secret,
): string {
  return seal(keyring, key, rackKeyContext(rackId, version))
}

/** The new key of a roll comes into force; the one before is kept. */
export async function bringIntoForce(tx: Tx, roll: Roll, now: number): Promise<void> {
  const { rack_id: rackId, new_version: version, sealed_new_key: sealed } = roll
  if (sealed === null) throw new TypeError(`roll ${roll.id} has no new key any more`)
  await replaceRackKey(tx, { rackId, before: version - 1, version, sealed }, now)
}

/** Puts another key into a Rack's row, in the place of the version before, which is kept. */
export async function replaceRackKey(
  tx: Tx,
  next: { rackId: string; before: number; version: number; sealed: string },
  now: number,
): Promise<void> {
  const before = await tx
    .selectFrom('racks')
    .where('id', '=', next.rackId)
    .where('key_version', '=', next.before)
    .select(['sealed_key', 'key_version'])
    .executeTakeFirst()
  if (before === undefined) {
    throw new KeyrackError('conflict', 'the key of this Rack was changed by somebody else', {
      hint: 'look again: convox rack key status',
    })
  }
  await tx
    .insertInto('previous_rack_keys')
    .values({ rack_id: next.rackId, ...before, replaced_at: now })
    .execute()
  await tx
    .updateTable('racks')
    .set({ sealed_key: next.sealed, key_version: next.version })
    .where('id', '=', next.rackId)
    .execute()
}

/** Destroys what is older than the last few keys. */
export async function destroyOldKeys(tx: Tx, rackId: string, version: number): Promise<void> {
  await tx
    .deleteFrom('previous_rack_keys')
    .where('rack_id', '=', rackId)
    .where('key_version', '<', version - PREVIOUS_KEPT)
    .execute()
}

/** For a Rack that the Console forgets, with what it would do with its key later. */
export async function destroyAllKeys(tx: Tx, rackId: string): Promise<void> {
  await tx.deleteFrom('rack_roll_schedules').where('rack_id', '=', rackId).execute()
  await tx.deleteFrom('previous_rack_keys').where('rack_id', '=', rackId).execute()
}
