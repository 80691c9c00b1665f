import type { EngineInstance } from '../engine.ts'
import { sshAnswers } from './dial-loopback.ts'
import type { RunningInstance } from './running-instance.ts'

/** One place in the engine's count, from before the instance's process starts until it is tidied away. */
export interface Slot {
  readonly id: string
  readonly startedAt: number
  life?: RunningInstance
  /** Undefined while it is wanted. `stop` keeps its folder for the next start, `remove` does not. */
  fate?: 'stop' | 'remove'
  done: Promise<void>
}

type Usage = Pick<EngineInstance, 'cpu' | 'memory' | 'processes'>

/** A slot as the engine lists it. */
export async function describeSlot(slot: Slot, usage: Usage | undefined): Promise<EngineInstance> {
  return {
    id: slot.id,
    status: slot.fate === undefined ? (slot.life?.status ?? 'pending') : 'terminating',
    startedAt: slot.startedAt,
    privateIp: '127.0.0.1',
    publicIp: '',
    ...(usage ?? { cpu: 0, memory: 0, processes: 0 }),
    agent: slot.life?.report !== undefined && (await sshAnswers(slot.life.report.port)),
  }
}
