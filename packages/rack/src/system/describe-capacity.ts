import type { Engine } from '../engines/engine.ts'

/** The answer of `GET /system/capacity` with the official names (protocol.md 6.3). */
export async function describeCapacity(engine: Engine) {
  const [capacity, instances] = await Promise.all([engine.capacity(), engine.instances()])
  return {
    'cluster-cpu': capacity.clusterCpu,
    'cluster-memory': capacity.clusterMemory,
    'instance-cpu': capacity.instanceCpu,
    'instance-memory': capacity.instanceMemory,
    'process-count': instances.reduce((sum, instance) => sum + instance.processes, 0),
    // Nothing reserves a share of an instance yet.
    'process-cpu': 0,
    'process-memory': 0,
    'process-width': 0,
  }
}
