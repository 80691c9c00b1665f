import { HAS_POSTGRES } from '@keyrack/server/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ConsoleContext } from '../context.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { openDomain, REQUEST } from '../testing/console-domain.ts'
import { eventually } from '../testing/eventually.ts'
import { twoConsoles } from '../testing/two-consoles.ts'
import { findLastRoll } from './roll-rows.ts'
import { prepareRolledData } from './testing/prepare-rolled-data.ts'
import { shareRunningRack } from './testing/rolled-console.ts'

const NAME = { organization: 'acme', name: 'live' }
/** The one key that the Rack is installed with is used up by the first test. */
const running = HAS_POSTGRES ? shareRunningRack() : undefined

function theRack({ directory }: ConsoleContext) {
  const [rack] = [...directory.organizationsOf(theFounder(directory))].flatMap(() =>
    directory.racksOf(theFounder(directory)),
  )
  if (rack === undefined) throw new TypeError('there is no Rack')
  return rack
}

function theFounder(directory: ConsoleContext['directory']) {
  const account = directory.accountById(founderId)
  if (account === undefined) throw new TypeError('there is no founder')
  return account
}

let founderId = ''

async function twoOnOneDatabase() {
  const { env, folders } = await twoConsoles()
  const rack = running?.()
  if (rack === undefined) throw new TypeError('there is no PostgreSQL')
  await prepareRolledData(folders[0], rack, env)
  const first = await openDomain(folders[0], { env })
  const second = await openDomain(folders[1], { env })
  const { id } = await first.store.db.selectFrom('accounts').select('id').executeTakeFirstOrThrow()
  founderId = id
  for (const { rolls } of [first, second]) {
    await rolls.start()
    onTestFinished(() => rolls.stop())
  }
  return { first, second }
}

const lastRoll = ({ store }: ConsoleContext, rackId: string) => findLastRoll(store.db, rackId)

describe.runIf(HAS_POSTGRES)('a roll with two Consoles on one database', () => {
  it('waits until the other one has let go of the old key, and is taken over from one that is gone', async () => {
    const { first, second } = await twoOnOneDatabase()
    const rack = theRack(second)
    const through = second.rolls.begin(rack)
    await first.rolls.roll(theFounder(first.directory), NAME, 0, REQUEST)
    const waiting = await eventually('the barrier', async () => {
      const roll = await lastRoll(first, rack.id)
      return roll?.waiting?.startsWith('another Console (') && roll
    })
    expect(waiting.state).toBe('draining')
    // The other one answers with the new key already.
    await eventually('the new key', () => theRack(second).keyVersion === 2)
    through()
    await eventually('the end', async () => (await lastRoll(first, rack.id))?.state === 'done')
    const keys = [first, second].map(({ keyring, ...context }) =>
      openRackKey(keyring, theRack({ keyring, ...context })).reveal(),
    )
    expect(keys[0]).toBe(keys[1])

    // A roll that its Console has left is driven on by the other one.
    const held = second.rolls.begin(theRack(second))
    const { roll } = await first.rolls.roll(theFounder(first.directory), NAME, 0, REQUEST)
    await eventually('the barrier', async () =>
      (await lastRoll(first, rack.id))?.waiting?.startsWith('another'),
    )
    await first.rolls.stop()
    held()
    await eventually(
      'the end by the other Console',
      async () => (await lastRoll(second, rack.id))?.state === 'done',
      60_000,
    )
    const ended = await lastRoll(second, rack.id)
    expect(ended?.id).toBe(roll.id)
    expect(ended?.driver).not.toBe(roll.driver)
  })
})
