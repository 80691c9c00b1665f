import { KeyrackError } from '@keyrack/protocol'
import type { Logger } from '@keyrack/server'
import type { Engine, EngineInstance } from '../engines/engine.ts'
import type { Point } from './keyroll-points.ts'
import type { KeyrollRecords, KeyrollRow } from './keyroll-records.ts'

export interface Replacing {
  engine: Pick<Engine, 'instances' | 'terminate'>
  records: KeyrollRecords
  roll: KeyrollRow
  /** How many instances there should be. */
  wanted: () => number
  /** Makes the new key the only one on a new instance; false when that did not work. */
  settle: (instance: EngineInstance) => Promise<boolean>
  point: Point
  log: Pick<Logger, 'warn'>
  signal: AbortSignal
  /** How long a replacement may take until it runs with the new key. */
  replacementMs: number
}

const LOOK_AGAIN_MS = 250

/**
 * Replaces the instances that were there when the roll began, one by one: the next is terminated
 * only when there are as many as wanted again and each new one opens with the new key. When a
 * replacement does not come to that, no more are terminated; the rest are rolled in place.
 */
export async function replaceInstances(replacing: Replacing): Promise<void> {
  const { engine, records, roll, point, log } = replacing
  for (;;) {
    if (!(await replacementsRun(replacing))) {
      log.warn({ keyroll: roll.id }, 'a replacement does not run, so no more are replaced')
      return
    }
    const waiting = await records.instances(roll.id)
    const next = waiting.find(({ state }) => state === 'waiting')
    if (next === undefined) return
    await point('before an instance is replaced')
    try {
      await engine.terminate(next.id)
    } catch (error) {
      if (!(error instanceof KeyrackError && error.code === 'not-found')) throw error
    }
    await point('instance terminated')
    await records.gone(roll.id, next.id)
  }
}

/** Whether there are as many instances as wanted, each either still to be replaced or settled. */
async function replacementsRun(replacing: Replacing): Promise<boolean> {
  const { engine, records, roll, wanted, settle, point, signal, replacementMs } = replacing
  const deadline = performance.now() + replacementMs
  for (;;) {
    signal.throwIfAborted()
    const progress = await records.instances(roll.id)
    const stateOf = new Map(progress.map(({ id, state }) => [id, state]))
    const listed = await engine.instances()
    let ready = 0
    for (const instance of listed) {
      const state = stateOf.get(instance.id)
      if (state === 'waiting' || state === 'done') ready += 1
      else if (state !== 'gone' && instance.status === 'running' && (await settle(instance))) {
        await point('replacement runs')
        ready += 1
      }
    }
    if (ready >= wanted()) return true
    if (performance.now() > deadline) return false
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS))
  }
}
