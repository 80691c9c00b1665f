import { createMasterKey, Keyring } from '@keyrack/secrets'
import { sql } from 'kysely'
import { describe, expect, it, onTestFinished } from 'vitest'
import { KnownInstances } from '../instances/known-instances.ts'
import { SshKeys } from '../instances/ssh-keys.ts'
import { SystemLog } from '../system/system-log.ts'
import { collectLog } from '../testing/collect-log.ts'
import { openTestStore } from '../testing/open-test-store.ts'
import { startSshEngine } from '../testing/ssh-engine.ts'
import { Keyroll } from './keyroll.ts'

/** A Rack without any instance. */
async function emptyRack() {
  const store = await openTestStore()
  const sshKeys = new SshKeys(store, new Keyring([createMasterKey()]))
  await sshKeys.ensureFirst()
  const { engine } = await startSshEngine(() => {})
  const { log } = collectLog()
  const access = { engine, sshKeys, knownInstances: new KnownInstances(store, engine) }
  const systemLog = await SystemLog.open({ store, log })
  const keyroll = new Keyroll({ store, access, systemLog, log, wanted: () => 0 })
  onTestFinished(async () => {
    await keyroll.stop()
    await systemLog.close()
  })
  return { store, sshKeys, keyroll }
}

describe('a keyroll without any instance', () => {
  it('is done at once: new instances get the new key, and the old one is destroyed', async () => {
    const { keyroll, sshKeys } = await emptyRack()
    expect(await keyroll.status()).toMatchObject({ state: 'none', generation: 1 })
    await keyroll.roll('in-place', 'r-1')
    expect(await keyroll.status()).toMatchObject({ state: 'done', generation: 2, instances: [] })
    expect(await sshKeys.authorizedKeys()).toEqual([expect.stringMatching(/ keyrack:2$/)])
    await expect(sshKeys.open(1)).rejects.toThrow()
  })

  it('is one roll for all who ask at the same time', async () => {
    const { keyroll } = await emptyRack()
    for (let time = 0; time < 20; time++) {
      await Promise.all(['r-1', 'r-2', 'r-3'].map((id) => keyroll.roll('in-place', id)))
      expect((await keyroll.status()).state).toBe('done')
      expect(keyroll.updating).toBe(false)
    }
    // Who asks when the roll of the first has ended begins another.
    expect((await keyroll.status()).generation).toBeLessThanOrEqual(1 + 20 * 3)
  })

  it('has changed nothing when it cannot be recorded', async () => {
    const { keyroll, store, sshKeys } = await emptyRack()
    await sql`pragma query_only = 1`.execute(store.db)
    await expect(keyroll.roll('in-place', 'r-1')).rejects.toThrow()
    await sql`pragma query_only = 0`.execute(store.db)
    expect(await keyroll.status()).toMatchObject({ state: 'none', generation: 1 })
    expect(await sshKeys.live()).toHaveLength(1)
    expect(keyroll.updating).toBe(false)
    await keyroll.roll('in-place', 'r-2')
    expect(await keyroll.status()).toMatchObject({ state: 'done', generation: 2 })
  })
})
