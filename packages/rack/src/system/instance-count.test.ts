import { describe, expect, it } from 'vitest'
import { collectLog } from '../testing/collect-log.ts'
import { openTestStore } from '../testing/open-test-store.ts'
import { waitUntil } from '../testing/wait-until.ts'
import { InstanceCount } from './instance-count.ts'
import { loadRackRecord } from './rack-record.ts'
import { SystemLog } from './system-log.ts'

/** An engine that is told numbers and finishes with each only when the test says so. */
async function openCount() {
  const store = await openTestStore()
  await loadRackRecord(store)
  const { log } = collectLog()
  const systemLog = await SystemLog.open({ store, log })
  const told: number[] = []
  const pending: Array<{ resolve: () => void; reject: (error: Error) => void }> = []
  const engine = {
    setCount(count: number): Promise<void> {
      told.push(count)
      return new Promise((resolve, reject) => pending.push({ resolve, reject }))
    },
  }
  const count = new InstanceCount({ store, engine, systemLog, log, count: 3 })
  const stored = async () => (await loadRackRecord(store)).instanceCount
  const logged = () => systemLog.after(0).map(({ source, message }) => `${source} ${message}`)
  return { store, count, told, pending, stored, logged }
}

describe('the number of instances', () => {
  it('is stored when the request is answered, and updating until the engine is done', async () => {
    const { count, told, pending, stored, logged } = await openCount()
    expect([count.wanted, count.updating]).toEqual([3, false])
    await count.set(5, 'request-1')
    expect([count.wanted, count.updating, await stored()]).toEqual([5, true, 5])
    expect(told).toEqual([5])
    pending[0]?.resolve()
    await waitUntil(() => !count.updating)
    expect(logged()).toEqual(['update/request-1 3 instances before, 5 wanted now'])
  })

  it('asked for several times at once ends with the last one, stored and brought about', async () => {
    const { count, told, pending, stored } = await openCount()
    await Promise.all([4, 9, 2, 7].map((number) => count.set(number, 'request-1')))
    pending[0]?.resolve()
    await waitUntil(() => told.length === 2)
    expect(count.updating).toBe(true)
    pending[1]?.resolve()
    await waitUntil(() => !count.updating)
    expect([count.wanted, await stored(), told.at(-1)]).toEqual([7, 7, 7])
  })

  it('that the engine failed to bring about is brought about when asked for again', async () => {
    const { count, told, pending, logged } = await openCount()
    await count.set(5, 'request-1')
    pending[0]?.reject(new Error('no room at /private/path'))
    await waitUntil(() => !count.updating)
    expect(count.wanted).toBe(5)
    expect(logged().at(-1)).toMatch(/^update\/request-1 it failed; /)
    expect(logged().join()).not.toContain('/private/path')
    await count.set(5, 'request-2')
    expect(told).toEqual([5, 5])
    pending[1]?.resolve()
    await waitUntil(() => !count.updating)
  })

  it('stays what it was when it cannot be stored, and the next request is not stuck', async () => {
    const { store, count, told, pending } = await openCount()
    await store.db.schema.alterTable('rack').renameTo('elsewhere').execute()
    await expect(count.set(5, 'request-1')).rejects.toThrow()
    expect([count.wanted, count.updating, told]).toEqual([3, false, []])
    await store.db.schema.alterTable('elsewhere').renameTo('rack').execute()
    await count.set(4, 'request-2')
    expect(told).toEqual([4])
    pending[0]?.resolve()
  })
})
