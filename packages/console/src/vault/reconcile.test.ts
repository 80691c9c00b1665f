import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createAddressGuard } from '../proxy/address-guard.ts'
import { rolledConsole, shareRunningRack } from '../rack-rolls/testing/rolled-console.ts'
import { tryKey } from '../rack-rolls/try-key.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { REQUEST, testFolder } from '../testing/console-domain.ts'
import { backUp } from './back-up.ts'
import { pauseOf } from './pause.ts'
import { reconcile } from './reconcile.ts'
import { elsewhere, openAs, restoreTo } from './testing/restore-elsewhere.ts'
import { verifyStored } from './verify-stored.ts'

const shared = shareRunningRack()

describe('a Console restored from before a roll', () => {
  it('is paused, gets the key back from the Rack itself, and goes on', async () => {
    const console = await rolledConsole(shared())
    const file = join(testFolder(), 'backup')
    await backUp(console.domain.config, file)
    const before = console.held()
    for (let roll = 0; roll < 2; roll += 1) {
      await console.roll()
      await console.until('done')
    }
    const now = console.held()
    expect([await console.takes(before), await console.takes(now)]).toEqual([false, true])

    const config = await elsewhere(console.domain.config.keyDir)
    await restoreTo(config, file)
    const restored = await openAs(config)
    const live = () => restored.directory.allRacks().find(({ name }) => name === 'live')
    const rack = live()
    if (rack === undefined) throw new TypeError('the Rack was not restored')
    expect(openRackKey(restored.keyring, rack).reveal()).toBe(before.reveal())
    expect(await pauseOf(restored.store.db)).toContain('restored from a backup')

    const { racks, paused } = await reconcile(restored, false, REQUEST)
    expect(racks).toContainEqual({ rack: 'acme/live', works: true, found: 'another key was found' })
    expect(paused).toBeNull()
    const found = live()
    if (found === undefined) throw new TypeError('the Rack is gone')
    const key = openRackKey(restored.keyring, found)
    expect(key.reveal()).toBe(now.reveal())
    expect(await tryKey(createAddressGuard([]), found, key)).toBe('accepted')
    expect((await verifyStored(restored, config.anchorFile)).problems).toEqual([])
    const notes = await restored.store.db
      .selectFrom('audit')
      .where('action', '=', 'rack.key.surprise')
      .where('phase', '=', 'finished')
      .select('note')
      .execute()
    expect(notes.map(({ note }) => note)).toEqual([expect.stringContaining('gave back its copy')])
    const again = await reconcile(restored, false, REQUEST)
    expect(again.racks).toContainEqual({ rack: 'acme/live', works: true, found: 'its key works' })
  })

  it('stays paused while a Rack takes no key that is known, until it is forced', async () => {
    const console = await rolledConsole(shared())
    const file = join(testFolder(), 'backup')
    await backUp(console.domain.config, file)
    const config = await elsewhere(console.domain.config.keyDir)
    await restoreTo(config, file)
    const restored = await openAs(config)
    await restored.store.transaction((tx) =>
      tx.updateTable('racks').set({ url: 'https://127.0.0.1:1' }).execute(),
    )
    await restored.directory.refresh()
    const first = await reconcile(restored, false, REQUEST)
    expect(first.paused).toContain('restored from a backup')
    const live = first.racks.find(({ rack }) => rack === 'acme/live')
    expect(live).toMatchObject({ works: false })
    expect(live?.found).toContain('changed by somebody else')
    expect(await pauseOf(restored.store.db)).toBeDefined()
    expect((await reconcile(restored, true, REQUEST)).paused).toBeNull()
    expect(await pauseOf(restored.store.db)).toBeUndefined()
  })
})
