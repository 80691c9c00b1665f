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
    const halves = [line, publicKeyOf(await keys.privateKey())].map((key) => key?.split(' ')[1])
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
    const pem = (await keys.privateKey()).reveal()
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
    await expect(stranger.privateKey()).rejects.toThrow()
    await store.db.updateTable('ssh_keys').set({ generation: 2 }).execute()
    await expect(keys.privateKey()).rejects.toThrow()
    await store.db.updateTable('ssh_keys').set({ generation: 1, version: 2 }).execute()
    await expect(keys.privateKey()).rejects.toThrow()
    await store.db.updateTable('ssh_keys').set({ version: 1 }).execute()
    await expect(keys.privateKey()).resolves.toBeDefined()
  })

  it('offers no retired generation', async () => {
    const store = await openTestStore()
    const keys = new SshKeys(store, keyring)
    await keys.ensureFirst()
    await store.db.updateTable('ssh_keys').set({ retired_at: 1 }).execute()
    expect(await keys.authorizedKeys()).toEqual([])
    await expect(keys.privateKey()).rejects.toThrow()
  })
})
