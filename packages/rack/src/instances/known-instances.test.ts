import { generateSshKeyPair } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import { openTestStore } from '../testing/open-test-store.ts'
import { KnownInstances } from './known-instances.ts'

function newHostKey() {
  const { publicKey } = generateSshKeyPair('host')
  return { line: publicKey, raw: Buffer.from(publicKey.split(' ')[1] ?? '', 'base64') }
}

const silent = { hostKey: async () => undefined }

describe('the host keys of instances', () => {
  it('are recorded at first contact and accepted afterwards, also after a restart', async () => {
    const store = await openTestStore()
    const { raw } = newHostKey()
    await new KnownInstances(store, silent).verify('i-1', raw)
    await new KnownInstances(store, silent).verify('i-1', raw)
  })

  it('refuse the connection when they have changed, naming the instance and the way out', async () => {
    const known = new KnownInstances(await openTestStore(), silent)
    await known.verify('i-1', newHostKey().raw)
    await expect(known.verify('i-1', newHostKey().raw)).rejects.toMatchObject({
      message: expect.stringContaining('i-1 shows another SSH host key'),
      hint: expect.stringContaining('convox instances terminate i-1'),
    })
  })

  it('are not replaced by a refused one', async () => {
    const known = new KnownInstances(await openTestStore(), silent)
    const { raw } = newHostKey()
    await known.verify('i-1', raw)
    await known.verify('i-1', newHostKey().raw).catch(() => {})
    await expect(known.verify('i-1', raw)).resolves.toBeUndefined()
  })

  it('are kept apart by instance', async () => {
    const known = new KnownInstances(await openTestStore(), silent)
    await known.verify('i-1', newHostKey().raw)
    await known.verify('i-2', newHostKey().raw)
  })

  it('let only one of two different first contacts at the same moment win', async () => {
    const known = new KnownInstances(await openTestStore(), silent)
    const both = [newHostKey(), newHostKey()].map(({ raw }) => known.verify('i-1', raw))
    const outcomes = (await Promise.allSettled(both)).map((outcome) => outcome.status)
    expect(outcomes.sort()).toEqual(['fulfilled', 'rejected'])
  })

  it('are compared with what the engine knows, even at first contact', async () => {
    const store = await openTestStore()
    const { line, raw } = newHostKey()
    const known = new KnownInstances(store, { hostKey: async () => line })
    await expect(known.verify('i-1', newHostKey().raw)).rejects.toThrow('another SSH host key')
    expect(await store.db.selectFrom('known_instances').selectAll().execute()).toEqual([])
    await known.verify('i-1', raw)
  })

  it('can be replaced by somebody who has compared, but not against what the engine knows', async () => {
    const store = await openTestStore()
    const [old, fresh] = [newHostKey(), newHostKey()]
    const known = new KnownInstances(store, silent)
    await known.verify('i-1', old.raw)
    await known.replace('i-1', fresh.raw)
    await known.verify('i-1', fresh.raw)
    await expect(known.verify('i-1', old.raw)).rejects.toThrow('another SSH host key')
    const informed = new KnownInstances(store, { hostKey: async () => fresh.line })
    await expect(informed.replace('i-1', old.raw)).rejects.toThrow('another SSH host key')
    await informed.verify('i-1', fresh.raw)
  })
})
