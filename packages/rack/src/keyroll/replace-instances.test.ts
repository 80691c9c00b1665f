import { createMasterKey, Keyring } from '@keyrack/secrets'
import { describe, expect, it } from 'vitest'
import type { EngineInstance } from '../engines/engine.ts'
import { SshKeys } from '../instances/ssh-keys.ts'
import { collectLog } from '../testing/collect-log.ts'
import { openTestStore } from '../testing/open-test-store.ts'
import { KeyrollRecords } from './keyroll-records.ts'
import { replaceInstances } from './replace-instances.ts'

function instance(id: string): EngineInstance {
  const address = { privateIp: '127.0.0.1', publicIp: '' }
  const usage = { cpu: 0, memory: 0, processes: 0, agent: true }
  return { id, status: 'running', startedAt: 0, ...address, ...usage }
}

/** Replaces i-1, i-2 and i-3 in an engine that does with the terminated ones what `born` says. */
async function replaceThree(born: (id: string) => string[], settles: (id: string) => boolean) {
  const store = await openTestStore()
  const sshKeys = new SshKeys(store, new Keyring([createMasterKey()]))
  await sshKeys.ensureFirst()
  const records = new KeyrollRecords(store, sshKeys)
  let ids = ['i-1', 'i-2', 'i-3']
  const roll = await records.begin('replace', 'r-1', ids)
  if (roll === undefined) throw new Error('a roll is running already')
  const fewest: number[] = []
  await replaceInstances({
    engine: {
      instances: async () => ids.map(instance),
      async terminate(id) {
        fewest.push(ids.length)
        ids = [...ids.filter((one) => one !== id), ...born(id)]
      },
    },
    records,
    roll,
    wanted: () => 3,
    async settle({ id }) {
      if (!settles(id)) return false
      await records.settled(roll.id, id, roll.generation)
      return true
    },
    point: () => {},
    log: collectLog().log,
    signal: new AbortController().signal,
    replacementMs: 0,
  })
  return { ids, fewest, left: await records.instances(roll.id) }
}

describe('the replacement of instances', () => {
  it('goes on from one to the next while there are as many as wanted', async () => {
    const { ids, fewest, left } = await replaceThree(
      (id) => [`${id}-new`],
      () => true,
    )
    expect(ids).toEqual(['i-1-new', 'i-2-new', 'i-3-new'])
    expect(fewest).toEqual([3, 3, 3])
    expect(left.filter(({ state }) => state === 'waiting')).toEqual([])
  })

  it('stops when one is not replaced', async () => {
    const { ids } = await replaceThree(
      () => [],
      () => true,
    )
    expect(ids).toEqual(['i-2', 'i-3'])
  })

  it('stops when the new key does not open a replacement', async () => {
    const { ids, left } = await replaceThree(
      (id) => [`${id}-new`],
      () => false,
    )
    expect(ids).toEqual(['i-2', 'i-3', 'i-1-new'])
    expect(left.filter(({ state }) => state === 'waiting').map(({ id }) => id)).toEqual([
      'i-2',
      'i-3',
    ])
  })
})
