import { hashApiKey, mintApiKey, sha256Hex } from '@keyrack/secrets'
import { isUniqueViolation } from '@keyrack/server'
import { describe, expect, it } from 'vitest'
import { collectLog } from '../testing/collect-log.ts'
import { openTestStore } from '../testing/open-test-store.ts'
import { keyHashProblem, loadRackKeys } from './rack-keys.ts'

function newHash(): string {
  return hashApiKey(mintApiKey('rack'))
}

describe('the key a Rack starts with', () => {
  it('is taken from the configuration at the first start and kept', async () => {
    const store = await openTestStore()
    const { log } = collectLog()
    const hash = newHash()
    const first = await loadRackKeys({ store, configuredHash: hash, log })
    const second = await loadRackKeys({ store, configuredHash: undefined, log })
    expect(first.live()).toEqual(second.live())
    expect(second.live().map((key) => key.hash)).toEqual([hash])
  })

  it('is missing: the Rack refuses to start and says what to set', async () => {
    const store = await openTestStore()
    const starting = loadRackKeys({ store, configuredHash: undefined, log: collectLog().log })
    await expect(starting).rejects.toMatchObject({
      message: expect.stringContaining('no API key'),
      hint: expect.stringContaining('RACK_KEY_HASH'),
    })
  })

  it('stays in force when the configuration names another one later, and that is logged', async () => {
    const store = await openTestStore()
    const { log, lines } = collectLog()
    const [stored, other] = [newHash(), newHash()]
    await loadRackKeys({ store, configuredHash: stored, log })
    const keys = await loadRackKeys({ store, configuredHash: other, log })
    expect(keys.live().map((key) => key.hash)).toEqual([stored])
    expect(lines.join('')).toContain('RACK_KEY_HASH differs')
    expect(lines.join('')).not.toContain(other)
  })

  it('is not warned about when the configuration still names it', async () => {
    const store = await openTestStore()
    const { log, lines } = collectLog()
    const hash = newHash()
    await loadRackKeys({ store, configuredHash: hash, log })
    await loadRackKeys({ store, configuredHash: hash, log })
    expect(lines).toEqual([])
  })

  it('is never one that was retired, even if the configuration names it again', async () => {
    const store = await openTestStore()
    const { log } = collectLog()
    const hash = newHash()
    await loadRackKeys({ store, configuredHash: hash, log })
    await store.db.updateTable('rack_keys').set({ state: 'retired', retired_at: 1 }).execute()
    const starting = loadRackKeys({ store, configuredHash: hash, log })
    await expect(starting).rejects.toMatchObject({ hint: expect.stringContaining('reset-key') })
  })
})

describe('the table of keys', () => {
  const row = (id: string, state: 'current' | 'staged' | 'retired', hash = newHash()) => ({
    id,
    hash,
    state,
    version: 1,
    created_at: 1,
    retired_at: null,
  })

  it('refuses a second current key and a second staged one, but keeps many retired ones', async () => {
    const { db } = await openTestStore()
    const insert = (values: ReturnType<typeof row>) =>
      db.insertInto('rack_keys').values(values).execute()
    await insert(row('a', 'current'))
    await insert(row('b', 'staged'))
    await insert(row('c', 'retired'))
    await insert(row('d', 'retired'))
    await expect(insert(row('e', 'current'))).rejects.toSatisfy((error) => isUniqueViolation(error))
    await expect(insert(row('f', 'staged'))).rejects.toSatisfy((error) => isUniqueViolation(error))
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
})

describe('the form of a key hash', () => {
  it('is 64 lower-case hex digits', () => {
    expect(keyHashProblem(newHash())).toBeUndefined()
    for (const text of ['', 'abc', 'g'.repeat(64), `${newHash()}0`, mintApiKey('rack').reveal()]) {
      expect(keyHashProblem(text)).toContain('64 characters')
    }
  })

  it('is refused for an empty key and for the mask, which would open the Rack to anybody', () => {
    expect(keyHashProblem(sha256Hex(''))).toContain('empty or masked')
    expect(keyHashProblem(sha256Hex('****'))).toContain('empty or masked')
  })
})
