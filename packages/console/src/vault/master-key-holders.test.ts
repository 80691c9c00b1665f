import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { HAS_POSTGRES } from '@keyrack/server/testing'
import { describe, expect, it } from 'vitest'
import { createKey } from '../create-key.ts'
import { openDomain } from '../testing/console-domain.ts'
import { twoConsoles } from '../testing/two-consoles.ts'
import { runningHolders } from './master-key-holders.ts'

describe.runIf(HAS_POSTGRES)('a Console of a shared database', () => {
  it('with a key file that does not open announces the keys it has, so that nothing is sealed without it', async () => {
    const { folders, env } = await twoConsoles()
    const { store, keyring } = await openDomain(folders[0], { env })
    const announced = async () => {
      const row = await store.db
        .selectFrom('master_key_holders')
        .select(['seen_at', 'key_ids'])
        .executeTakeFirstOrThrow()
      return { at: Number(row.seen_at), keys: row.key_ids }
    }
    const first = keyring.current.id
    writeFileSync(join(env.KEY_DIR, '0123456789abcdef.key'), 'half a k', { mode: 0o600 })
    const { at } = await announced()
    // Twice: the first of them may have been under way while the file was written.
    await expect
      .poll(async () => (await announced()).at - at, { timeout: 60_000 })
      .toBeGreaterThan(3_000)
    expect((await announced()).keys).toBe(first)
    expect(await runningHolders(store.db)).toHaveLength(1)
  })

  it('learns a key that is put into its folder while it runs, and seals on with the old one', async () => {
    const { folders, env } = await twoConsoles()
    const { keyring } = await openDomain(folders[0], { env })
    const first = keyring.current.id
    createKey(env.KEY_DIR)
    await expect.poll(() => keyring.ids(), { timeout: 60_000 }).toHaveLength(2)
    expect(keyring.current.id).toBe(first)
  })
})
