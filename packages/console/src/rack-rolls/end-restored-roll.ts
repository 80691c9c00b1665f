import { hashApiKey } from '@keyrack/secrets'
import { openRackKey } from '../racks/open-rack-key.ts'
import type { Act } from './act.ts'
import { isAnswer, rackKeyRoutes } from './rack-key-routes.ts'

/**
 * Ends a roll at a Rack that was restored from a backup of its midst, while it has ended here: the
 * key that the Console holds is in force, and the one before, which this Console keeps, is refused
 * again. Beside the reconciler nobody else opens those. False: no key that is kept ends that roll.
 */
export async function endRestoredRoll(
  { domain, roll: { rack_id: id }, rack, k0: keep }: Act,
  roll: string,
): Promise<boolean> {
  const { store, guard, keyring } = domain
  const kept = await store.db
    .selectFrom('previous_rack_keys')
    .where('rack_id', '=', id)
    .orderBy('key_version', 'desc')
    .select(['key_version as keyVersion', 'sealed_key as sealedKey'])
    .execute()
  const routes = rackKeyRoutes(guard, rack, keep)
  for (const key of kept) {
    const drop = hashApiKey(openRackKey(keyring, { id, ...key }))
    try {
      await routes.retire({ roll, keep: hashApiKey(keep), drop, notAfter: 0 })
      return true
    } catch (error) {
      // It is not the one that the roll follows.
      if (!isAnswer(error, 409)) throw error
    }
  }
  return false
}
