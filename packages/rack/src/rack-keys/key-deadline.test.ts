import { hashApiKey } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { aRoll, HOUR } from '../testing/a-roll.ts'
import { filesAsTheyAre, openRackKeys } from '../testing/open-rack-keys.ts'
import { waitUntil } from '../testing/wait-until.ts'

describe('the deadline of an old key', () => {
  async function ending(given: { writeEveryMs?: number } = {}) {
    const roll = await aRoll(given)
    await roll.stage()
    await roll.retire(roll.newKey, { notAfter: roll.clock.wall + HOUR })
    return roll
  }

  it('is not put off by setting the clock back, nor by a restart after that', async () => {
    const { rack, clock, oldKey } = await ending()
    clock.pass(HOUR / 2)
    await rack.keys.close()
    clock.set(-24 * HOUR)
    const again = await openRackKeys({ file: rack.file, clock })
    clock.pass(HOUR / 2)
    expect(again.idOf(oldKey)).toBeUndefined()
  })

  it('is not put off by a kill, even if nobody asked anything: the time is stored now and then', async () => {
    const { rack, clock, oldKey } = await ending({ writeEveryMs: 5 })
    clock.pass(HOUR / 2)
    await waitUntil(async () => {
      const row = await rack.store.db
        .selectFrom('rack_key_head')
        .select('seen_at')
        .executeTakeFirst()
      return row?.seen_at === clock.wall
    })
    const left = filesAsTheyAre(rack.file)
    clock.set(-24 * HOUR)
    const again = await openRackKeys({ file: left, clock })
    expect(again.idOf(oldKey)).toBeDefined()
    clock.pass(HOUR / 2)
    expect(again.idOf(oldKey)).toBeUndefined()
  })

  it('that has been seen to pass is stored, so a kill and an older clock bring nothing back', async () => {
    const { rack, clock, oldKey } = await ending()
    clock.set(2 * HOUR)
    expect(rack.idOf(oldKey)).toBeUndefined()
    // The write that this has begun is waited for by the next one.
    await rack.keys.change(async () => {})
    clock.set(-2 * HOUR)
    const again = await openRackKeys({ file: filesAsTheyAre(rack.file), clock })
    expect(again.idOf(oldKey)).toBeUndefined()
    expect(again.keys.isTombstone(hashApiKey(oldKey))).toBe(true)
  })
})
