import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createMasterKey, Keyring, publicKeyOf } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { openTestStore } from '../testing/open-test-store.ts'
import { temporaryFolder } from '../testing/temporary-folder.ts'
import { SshKeys } from './ssh-keys.ts'

const keyring = new Keyring([createMasterKey()])

describe('the SSH key of a Rack', () => {
  it('is made once, and its two halves belong together', async () => {
    const store = await openTestStore()
    const keys = new SshKeys(store, keyring)
    await keys.ensureFirst()
    const [line] = await keys.authorizedKeys()
    await keys.ensureFirst()
    expect(await keys.authorizedKeys()).toEqual([line])
    const halves = [line, publicKeyOf((await keys.open(1)).privateKey)].map(
      (key) => key?.split(' ')[1],
    )
    expect(halves[0]).toBe(halves[1])
  })

  it('marks its line with its generation, so that a roll removes nothing else', async () => {
    const keys = new SshKeys(await openTestStore(), keyring)
    await keys.ensureFirst()
    expect(await keys.authorizedKeys()).toEqual([
      expect.stringMatching(/^ssh-ed25519 \S+ keyrack:1$/),
    ])
  })

  it('is nowhere in the files of the database in clear', async () => {
    const folder = temporaryFolder()
    const store = await openTestStore(join(folder, 'db'))
    const keys = new SshKeys(store, keyring)
    await keys.ensureFirst()
    const pem = (await keys.open(1)).privateKey.reveal()
    const middle = pem.split('\n')[2]
    expect(middle?.length).toBeGreaterThan(40)
    for (const file of readdirSync(folder)) {
      const content = readFileSync(join(folder, file), 'latin1')
      expect(content).not.toContain(middle)
      expect(content).not.toContain('PRIVATE KEY')
    }
  })

  it('does not open under another master key, nor as another generation or version', async () => {
    const store = await openTestStore()
    const keys = new SshKeys(store, keyring)
    await keys.ensureFirst()
    const stranger = new SshKeys(store, new Keyring([createMasterKey()]))
    await expect(stranger.open(1)).rejects.toThrow()
    await store.db.updateTable('ssh_keys').set({ generation: 2 }).execute()
    await expect(keys.open(2)).rejects.toThrow()
    await store.db.updateTable('ssh_keys').set({ generation: 1, version: 2 }).execute()
    await expect(keys.open(1)).rejects.toThrow()
    await store.db.updateTable('ssh_keys').set({ version: 1 }).execute()
    await expect(keys.open(1)).resolves.toBeDefined()
  })

  it('is one generation after another, of which new instances get the live ones', async () => {
    const store = await openTestStore()
    const keys = new SshKeys(store, keyring)
    await keys.ensureFirst()
    await store.transaction((tx) => keys.addNext(tx))
    const marks = async () => (await keys.authorizedKeys()).map((line) => line.split(' ')[2])
    expect(await marks()).toEqual(['keyrack:1', 'keyrack:2'])
    await store.transaction((tx) => keys.makeCurrent(tx, 2))
    expect(await marks()).toEqual(['keyrack:2'])
    expect((await keys.live()).map(({ generation, state }) => [generation, state])).toEqual([
      [2, 'current'],
      [1, 'leaving'],
    ])
  })

  it('never has two generations that are being added', async () => {
    const store = await openTestStore()
    const keys = new SshKeys(store, keyring)
    await keys.ensureFirst()
    await store.transaction((tx) => keys.addNext(tx))
    await expect(store.transaction((tx) => keys.addNext(tx))).rejects.toThrow(/UNIQUE/)
  })

  it('is offered to an instance by what is recorded there, then whatever else is live', async () => {
    const store = await openTestStore()
    const keys = new SshKeys(store, keyring)
    await keys.ensureFirst()
    const offered = async (id: string) => (await keys.keysFor(id)).map((key) => key.generation)
    await store.transaction((tx) => keys.addNext(tx))
    expect(await offered('i-1')).toEqual([2, 1])
    const row = { instance_id: 'i-1', generation: 1, state: 'installed', updated_at: 1 } as const
    await store.db.insertInto('instance_keys').values(row).execute()
    expect(await offered('i-1')).toEqual([1, 2])
    expect(await offered('i-2')).toEqual([2, 1])
    await store.transaction((tx) => keys.makeCurrent(tx, 2))
    await store.transaction((tx) => keys.addNext(tx))
    expect(await offered('i-1')).toEqual([1, 3, 2])
    await store.db
      .insertInto('instance_keys')
      .values({ ...row, generation: 2, state: 'removing' })
      .execute()
    expect(await offered('i-1')).toEqual([1, 2, 3])
  })

  it('is gone when it is destroyed, which only a leaving one can be', async () => {
    const store = await openTestStore()
    const keys = new SshKeys(store, keyring)
    await keys.ensureFirst()
    await store.transaction((tx) => keys.destroy(tx, 1))
    await expect(keys.open(1)).resolves.toBeDefined()
    await store.transaction((tx) => keys.addNext(tx))
    await store.transaction((tx) => keys.makeCurrent(tx, 2))
    await store.transaction((tx) => keys.destroy(tx, 1))
    await expect(keys.open(1)).rejects.toThrow()
    expect((await keys.keysFor('i-1')).map((key) => key.generation)).toEqual([2])
    const rows = await store.db.selectFrom('ssh_keys').selectAll().orderBy('generation').execute()
    expect(rows[0]).toMatchObject({ state: 'destroyed', private_key_sealed: '' })
  })
})
