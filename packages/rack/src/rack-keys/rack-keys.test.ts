import { hashApiKey, mintApiKey } from '@keyrack/secrets'
import { isUniqueViolation } from '@keyrack/server'
import { describe, expect, it } from 'vitest'
import type { RackKeyState } from '../database/schema.ts'
import { SystemLog } from '../system/system-log.ts'
import { collectLog } from '../testing/collect-log.ts'
import { openTestStore } from '../testing/open-test-store.ts'
import { RackKeys } from './rack-keys.ts'

function newHash(): string {
  return hashApiKey(mintApiKey('rack'))
}

async function database() {
  const store = await openTestStore()
  const { log, lines } = collectLog()
  const systemLog = await SystemLog.open({ store, log })
  const open = (configuredHash: string | undefined) =>
    RackKeys.open({ store, systemLog, configuredHash, log })
  return { store, lines, open }
}

describe('the key a Rack starts with', () => {
  it('is taken from the configuration at the first start and kept', async () => {
    const { open } = await database()
    const hash = newHash()
    const first = await open(hash)
    await first.close()
    const second = await open(undefined)
    expect(first.live()).toEqual(second.live())
    expect(second.live().map((key) => [key.hash, key.state])).toEqual([[hash, 'current']])
    expect(second.generation).toBe(1)
    await second.close()
  })

  it('is missing: the Rack refuses to start and says what to set', async () => {
    const { open } = await database()
    await expect(open(undefined)).rejects.toMatchObject({
      message: expect.stringContaining('no API key'),
      hint: expect.stringContaining('RACK_KEY_HASH'),
    })
  })

  it('stays in force when the configuration names another one later, and that is logged', async () => {
    const { open, lines } = await database()
    const [stored, other] = [newHash(), newHash()]
    await (await open(stored)).close()
    const keys = await open(other)
    expect(keys.live().map((key) => key.hash)).toEqual([stored])
    expect(lines.join('')).toContain('RACK_KEY_HASH differs')
    expect(lines.join('')).not.toContain(other)
    await keys.close()
  })

  it('is not warned about when the configuration still names it', async () => {
    const { open, lines } = await database()
    const hash = newHash()
    await (await open(hash)).close()
    await (await open(hash)).close()
    expect(lines).toEqual([])
  })

  it('is never one that was retired, even if the configuration names it again', async () => {
    const { open, store } = await database()
    const hash = newHash()
    await (await open(hash)).close()
    await store.db.updateTable('rack_keys').set({ state: 'retired', retired_at: 1 }).execute()
    await expect(open(hash)).rejects.toMatchObject({ hint: expect.stringContaining('reset-key') })
  })
})

describe('the table of keys', () => {
  const row = (id: string, state: RackKeyState, hash = newHash()) => ({
    ...{ id, hash, state, version: 1, created_at: 1, current_at: null, retired_at: null },
    ...{ not_after: state === 'ending' ? 1 : null, copy: null },
  })

  it('refuses a second key of each live state, but keeps many retired ones', async () => {
    const { db } = await openTestStore()
    const insert = (values: ReturnType<typeof row>) =>
      db.insertInto('rack_keys').values(values).execute()
    for (const state of ['current', 'staged', 'ending'] as const) {
      await insert(row(`a-${state}`, state))
      await expect(insert(row(`b-${state}`, state))).rejects.toSatisfy((error) =>
        isUniqueViolation(error),
      )
    }
    await insert(row('c', 'retired'))
    await insert(row('d', 'retired'))
  })

  it('refuses a retired hash as a new key', async () => {
    const { db } = await openTestStore()
    const old = row('a', 'retired')
    await db.insertInto('rack_keys').values(old).execute()
    const again = db
      .insertInto('rack_keys')
      .values(row('b', 'current', old.hash))
      .execute()
    await expect(again).rejects.toSatisfy((error) => isUniqueViolation(error))
  })

  it('refuses an ending key without an end, and a retired one with a copy', async () => {
    const { db } = await openTestStore()
    const insert = (values: Partial<ReturnType<typeof row>>, state: RackKeyState) =>
      db
        .insertInto('rack_keys')
        .values({ ...row('a', state), ...values })
        .execute()
    await expect(insert({ not_after: null }, 'ending')).rejects.toThrow(/CHECK/)
    await expect(
      db
        .insertInto('rack_keys')
        .values({ ...row('a', 'retired'), copy: 'sealed' })
        .execute(),
    ).rejects.toThrow(/CHECK/)
  })

  it('refuses a second open roll', async () => {
    const { db } = await openTestStore()
    const roll = { new_key: null, old_key: null, generation: null, not_after: null, at: 1 }
    const insert = (id: string) =>
      db
        .insertInto('rack_key_rolls')
        .values({ ...roll, roll: id, state: 'staged' })
        .execute()
    await insert('roll-one')
    await expect(insert('roll-two')).rejects.toSatisfy((error) => isUniqueViolation(error))
  })
})
