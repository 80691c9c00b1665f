import { randomUUID } from 'node:crypto'
import { KeyrackError } from '@keyrack/protocol'
import { equalSecrets } from '@keyrack/secrets'
import type { Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'

/**
 * Puts a new key in force on a Rack that does not run, for who has lost the old one: every other
 * key is refused from now on, an open roll is over, and no access token is accepted. One
 * transaction; repeated, it changes nothing. False when that key was in force already, alone.
 */
export function resetKey(
  store: Store<RackSchema>,
  hash: string,
  now: () => number = Date.now,
): Promise<boolean> {
  return store.transaction(async (tx) => {
    const keys = await tx.selectFrom('rack_keys').selectAll().execute()
    const live = keys.filter(({ state }) => state !== 'retired')
    const same = keys.find((key) => equalSecrets(key.hash, hash))
    if (same?.state === 'current' && live.length === 1) return false
    if (same !== undefined) {
      throw new KeyrackError('invalid', 'this Rack has known that key before; no key comes back', {
        field: 'RACK_KEY_HASH',
        hint: 'make a new one',
      })
    }
    const head = await tx.selectFrom('rack_key_head').selectAll().executeTakeFirstOrThrow()
    const at = Math.max(now(), head.seen_at)
    await tx
      .updateTable('rack_keys')
      .set({ state: 'retired', retired_at: at, copy: null })
      .where('state', '<>', 'retired')
      .execute()
    await tx
      .updateTable('rack_key_rolls')
      .set({ state: 'unstaged', at })
      .where('state', '=', 'staged')
      .execute()
    await tx
      .updateTable('rack_key_rolls')
      .set({ state: 'retired', at })
      .where('state', '=', 'ending')
      .execute()
    const times = { created_at: at, current_at: at, not_after: null, retired_at: null }
    await tx
      .insertInto('rack_keys')
      .values({ id: randomUUID(), hash, state: 'current', version: 1, copy: null, ...times })
      .execute()
    await tx
      .updateTable('rack_key_head')
      .set({ generation: head.generation + 1, seen_at: at })
      .execute()
    await tx.deleteFrom('access_tokens').execute()
    const last = await tx
      .selectFrom('rack_key_events')
      .select('id')
      .orderBy('id', 'desc')
      .executeTakeFirst()
    await tx
      .insertInto('rack_key_events')
      .values({
        id: (last?.id ?? 0) + 1,
        message: 'the key was reset on the host; every other key and all access tokens are refused',
      })
      .execute()
    return true
  })
}
