import { availableParallelism, totalmem } from 'node:os'
import type { EngineCapacity } from '../engine.ts'

/** Local instances share the machine: each has all of it. */
export function machineCapacity(): EngineCapacity {
  const cpu = availableParallelism() * 1024
  const memory = Math.floor(totalmem() / 1024 / 1024)
  return { clusterCpu: cpu, clusterMemory: memory, instanceCpu: cpu, instanceMemory: memory }
}
