import { join } from 'node:path'
import { openStore } from '@keyrack/server'
import { describe, expect, it } from 'vitest'
import { openRackKeys } from '../testing/open-rack-keys.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { MIGRATIONS } from './migrations.ts'

interface Before {
  rack_keys: Record<'id' | 'hash' | 'state', string> &
    Record<'version' | 'created_at', number> & { retired_at: number | null }
}

describe('a Rack from before its key could be rolled', () => {
  it('keeps its key and its tombstones, and starts with the first generation', async () => {
    const file = join(temporaryFolder(), 'db')
    const old = await openStore<Before>({ file, migrations: MIGRATIONS.slice(0, 2) })
    const row = { version: 1, created_at: 7, retired_at: null }
    const [current, retired] = ['a'.repeat(64), 'b'.repeat(64)]
    await old.db
      .insertInto('rack_keys')
      .values([
        { ...row, id: 'one', hash: current, state: 'current' },
        { ...row, id: 'two', hash: retired, state: 'retired', retired_at: 8 },
      ])
      .execute()
    await old.close()
    const { keys } = await openRackKeys({ file })
    expect(keys.live()).toEqual([{ id: 'one', hash: current, state: 'current', notAfter: null }])
    expect(keys.isTombstone(retired)).toBe(true)
    expect(await keys.status('one')).toMatchObject({ generation: 1, current: { since: 7 } })
  })
})
