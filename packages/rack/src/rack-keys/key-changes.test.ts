import { hashApiKey, mintApiKey } from '@keyrack/secrets'
import { sql } from 'kysely'
import { describe, expect, it } from 'vitest'
import { accepted, aRoll, asker, HOUR, ROLL } from '../testing/a-roll.ts'
import { openRackKeys } from '../testing/open-rack-keys.ts'

describe('staging a key', () => {
  it('makes both keys accepted, and a second time changes nothing', async () => {
    const { rack, oldKey, newKey, stage } = await aRoll()
    const answer = { roll: ROLL, generation: 1, state: 'staged' }
    expect(await stage()).toEqual(answer)
    expect(await stage()).toEqual(answer)
    expect(accepted(rack)).toEqual([
      ['current', hashApiKey(oldKey)],
      ['staged', hashApiKey(newKey)],
    ])
    expect(await rack.store.db.selectFrom('rack_keys').select('copy').execute()).toEqual(
      expect.arrayContaining([{ copy: null }, { copy: 'sealed' }]),
    )
  })

  it('of another roll or another key is refused while one is staged, naming the open roll', async () => {
    const { keys, rack, newKey, stage } = await aRoll()
    await stage()
    const other = hashApiKey(mintApiKey('rack'))
    await expect(stage(rack.key, { roll: 'roll-0002', hash: other })).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(ROLL),
    })
    await expect(stage(rack.key, { hash: other })).rejects.toMatchObject({ code: 'conflict' })
    await expect(stage(newKey)).rejects.toMatchObject({ code: 'conflict' })
    expect(keys.live()).toHaveLength(2)
  })

  it('is refused for a key that is in force, and for one that ever was', async () => {
    const { rack, newKey, oldKey, stage, retire } = await aRoll()
    const again = { code: 'invalid', field: 'hash' }
    await expect(stage(oldKey, { hash: hashApiKey(oldKey) })).rejects.toMatchObject(again)
    await stage()
    await retire()
    const next = { roll: 'roll-0002', hash: hashApiKey(oldKey) }
    await expect(stage(newKey, next)).rejects.toMatchObject(again)
    expect(accepted(rack)).toEqual([['current', hashApiKey(newKey)]])
  })

  it('waits until the roll before has ended its old key', async () => {
    const { clock, newKey, stage, retire } = await aRoll()
    await stage()
    await retire(newKey, { notAfter: clock.wall + HOUR })
    const next = { roll: 'roll-0002', hash: hashApiKey(mintApiKey('rack')) }
    await expect(stage(newKey, next)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('the last roll is not finished'),
    })
    clock.pass(HOUR)
    expect(await stage(newKey, next)).toMatchObject({ roll: 'roll-0002', generation: 2 })
  })
})

describe('taking a staged key back', () => {
  it('refuses it for ever, and its roll too, however late it is asked for again', async () => {
    const { rack, keys, newKey, oldKey, stage, unstage } = await aRoll()
    await stage()
    expect(await unstage()).toEqual({ roll: ROLL, state: 'unstaged' })
    expect(await unstage()).toEqual({ roll: ROLL, state: 'unstaged' })
    expect(accepted(rack)).toEqual([['current', hashApiKey(oldKey)]])
    expect(keys.isTombstone(hashApiKey(newKey))).toBe(true)
    await expect(stage()).rejects.toMatchObject({ code: 'conflict' })
    const other = { roll: 'roll-0002' }
    await expect(stage(oldKey, other)).rejects.toMatchObject({ field: 'hash' })
    const copies = await rack.store.db.selectFrom('rack_keys').select('copy').execute()
    expect(copies).toEqual([{ copy: null }, { copy: null }])
  })

  it('before it was ever staged keeps it from being staged', async () => {
    const { keys, stage, unstage } = await aRoll()
    expect(await unstage()).toEqual({ roll: ROLL, state: 'unstaged' })
    await expect(stage()).rejects.toMatchObject({ code: 'conflict' })
    expect(keys.live()).toHaveLength(1)
  })

  it('never removes the key that asks, nor one that is in force', async () => {
    const { newKey, keys, stage, retire, unstage } = await aRoll()
    await stage()
    await expect(unstage(newKey)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('would remove the key that asks'),
    })
    expect(keys.live()).toHaveLength(2)
    await retire()
    await expect(unstage(newKey)).rejects.toMatchObject({ code: 'conflict' })
    expect(keys.live()).toHaveLength(1)
  })
})

describe('retiring the old key', () => {
  it('at once: the new one is in force, the old one refused, and again is the same answer', async () => {
    const { rack, keys, newKey, oldKey, stage, retire } = await aRoll()
    await stage()
    const answer = { roll: ROLL, generation: 2, state: 'retired', not_after: null }
    expect(await retire()).toEqual(answer)
    expect(await retire()).toEqual(answer)
    expect(keys.generation).toBe(2)
    expect(accepted(rack)).toEqual([['current', hashApiKey(newKey)]])
    expect(keys.isTombstone(hashApiKey(oldKey))).toBe(true)
    expect(await keys.status(asker(rack, newKey))).toMatchObject({
      ...{ generation: 2, staged: null, ending: null, authenticated_by: 'current' },
      last_roll: { roll: ROLL, state: 'retired' },
    })
    const current = await rack.store.db
      .selectFrom('rack_keys')
      .select('copy')
      .where('state', '=', 'current')
      .execute()
    expect(current).toEqual([{ copy: 'sealed' }])
  })

  it('later: it is accepted until then and not a millisecond longer, without anything happening', async () => {
    const { rack, clock, keys, newKey, oldKey, stage, retire } = await aRoll()
    await stage()
    const notAfter = clock.wall + HOUR
    const answer = { roll: ROLL, generation: 2, state: 'ending', not_after: notAfter }
    expect(await retire(newKey, { notAfter })).toEqual(answer)
    expect(await retire(newKey, { notAfter })).toEqual(answer)
    clock.pass(HOUR - 1)
    expect(rack.idOf(oldKey)).toBeDefined()
    clock.pass(1)
    expect(rack.idOf(oldKey)).toBeUndefined()
    expect(rack.idOf(newKey)).toBeDefined()
    expect(await retire(newKey, { notAfter })).toMatchObject({ state: 'retired', not_after: null })
    expect(keys.isTombstone(hashApiKey(oldKey))).toBe(true)
  })

  it('is brought forward but never put off', async () => {
    const { rack, clock, newKey, oldKey, stage, retire } = await aRoll()
    await stage()
    const hour = clock.wall + HOUR
    await retire(newKey, { notAfter: hour })
    const later = retire(newKey, { notAfter: hour + 1 })
    await expect(later).rejects.toMatchObject({ code: 'conflict' })
    const sooner = await retire(newKey, { notAfter: hour - 60_000 })
    expect(sooner).toMatchObject({ state: 'ending', not_after: hour - 60_000 })
    expect(await retire()).toMatchObject({ state: 'retired', not_after: null })
    expect(rack.idOf(oldKey)).toBeUndefined()
    const revived = retire(newKey, { notAfter: hour })
    await expect(revived).rejects.toMatchObject({ code: 'conflict' })
  })

  it('takes no longer than 30 days', async () => {
    const { clock, newKey, stage, retire } = await aRoll()
    await stage()
    const tooLong = retire(newKey, { notAfter: clock.wall + 30 * 24 * HOUR + 1 })
    await expect(tooLong).rejects.toMatchObject({ code: 'invalid', field: 'not_after' })
    const month = await retire(newKey, { notAfter: clock.wall + 30 * 24 * HOUR })
    expect(month.state).toBe('ending')
  })

  it('is for the new key only, and only with the right roll and hashes', async () => {
    const { rack, newKey, oldKey, stage, retire } = await aRoll()
    const conflict = { code: 'conflict' }
    await expect(retire(oldKey)).rejects.toMatchObject(conflict)
    await stage()
    const stranger = hashApiKey(mintApiKey('rack'))
    await expect(retire(oldKey)).rejects.toMatchObject(conflict)
    await expect(retire(oldKey, { keep: hashApiKey(oldKey) })).rejects.toMatchObject(conflict)
    await expect(retire(newKey, { roll: 'roll-0002' })).rejects.toMatchObject(conflict)
    await expect(retire(newKey, { drop: stranger })).rejects.toMatchObject(conflict)
    await expect(retire(newKey, { keep: stranger })).rejects.toMatchObject(conflict)
    expect(accepted(rack).map(([state]) => state)).toEqual(['current', 'staged'])
  })

  it('needs not be named by whoever has lost it, and holds the new one', async () => {
    const { rack, oldKey, newKey, stage, retire } = await aRoll()
    await stage()
    const byOld = retire(oldKey, { keep: hashApiKey(oldKey), drop: undefined })
    await expect(byOld).rejects.toMatchObject({ code: 'conflict' })
    expect(await retire(newKey, { drop: undefined })).toMatchObject({ state: 'retired' })
    expect(await retire(newKey, { drop: undefined })).toMatchObject({ state: 'retired' })
    expect(accepted(rack)).toEqual([['current', hashApiKey(newKey)]])
  })

  it('is the same when everything is asked for many times at once', async () => {
    const { rack, keys, newKey, stage, retire } = await aRoll()
    const staged = await Promise.all(Array.from({ length: 8 }, () => stage()))
    expect(new Set(staged.map((answer) => JSON.stringify(answer))).size).toBe(1)
    const retired = await Promise.all(Array.from({ length: 8 }, () => retire()))
    expect(new Set(retired.map((answer) => JSON.stringify(answer))).size).toBe(1)
    expect(accepted(rack)).toEqual([['current', hashApiKey(newKey)]])
    expect(keys.generation).toBe(2)
  })

  it('and cancelling at once have one winner, and somebody can always come in', async () => {
    const { rack, newKey, oldKey, stage, retire, unstage } = await aRoll()
    await stage()
    const [retired, unstaged] = await Promise.allSettled([retire(), unstage()])
    expect([retired.status, unstaged.status]).toEqual(['fulfilled', 'rejected'])
    expect(rack.idOf(newKey)).toBeDefined()
    expect(rack.idOf(oldKey)).toBeUndefined()
  })
})

describe('a change that cannot be stored', () => {
  it('has not happened: memory is as before, and it can be asked for again', async () => {
    const { rack, keys, oldKey, newKey, stage, retire } = await aRoll()
    await stage()
    const before = accepted(rack)
    // The database itself refuses, at the very end: when the transaction is committed.
    const { db } = rack.store
    await sql`create table absent (id text references rack_keys(id) deferrable initially deferred)`.execute(
      db,
    )
    await sql`create trigger refuse after insert on rack_key_events
      begin insert into absent values ('no such key'); end`.execute(db)
    await expect(retire()).rejects.toThrow(/FOREIGN KEY/)
    expect(accepted(rack)).toEqual(before)
    expect(keys.generation).toBe(1)
    expect(rack.idOf(oldKey)).toBeDefined()
    await sql`drop trigger refuse`.execute(db)
    expect(await retire()).toMatchObject({ state: 'retired', generation: 2 })
    expect(rack.idOf(newKey)).toBeDefined()
  })
})

describe('what the log of the Rack says', () => {
  it('is every change by its roll, no key and no hash, also when the Rack died right after it', async () => {
    const { rack, keys, newKey, oldKey, stage, retire } = await aRoll()
    await stage()
    await retire()
    const said = () => rack.systemLog.after(0).map(({ message }) => message)
    expect(said()).toEqual([
      expect.stringContaining(`${ROLL} staged a new key`),
      expect.stringContaining(`${ROLL} brought its key into force`),
      expect.stringContaining(`${ROLL} ended the old key`),
    ])
    for (const key of [oldKey, newKey]) {
      expect(said().join()).not.toContain(key.reveal())
      expect(said().join()).not.toContain(hashApiKey(key))
    }
    await keys.close()
    expect(await rack.store.db.selectFrom('rack_key_events').selectAll().execute()).toEqual([])
    // Stored with a change, but its process died before the log had it.
    const left = { id: 1, message: 'the roll roll-0009 was cancelled' }
    await rack.store.db.insertInto('rack_key_events').values(left).execute()
    const again = await openRackKeys({ file: rack.file })
    const lines = again.systemLog.after(0).map(({ message }) => message)
    expect(lines.filter((line) => line === left.message)).toHaveLength(1)
  })
})
