import type { Instance } from '@keyrack/protocol/resources'
import type { Engine } from '../engines/engine.ts'

/** The answer of `GET /instances`, sorted by id, with the official names (protocol.md 4). */
export async function listInstances(engine: Engine): Promise<Instance[]> {
  const instances = await engine.instances()
  return instances
    .map(
      (instance): Instance => ({
        agent: instance.agent,
        cpu: instance.cpu,
        id: instance.id,
        memory: instance.memory,
        'private-ip': instance.privateIp,
        processes: instance.processes,
        'public-ip': instance.publicIp,
        started: new Date(instance.startedAt).toISOString(),
        status: instance.status,
      }),
    )
    .sort((one, other) => (one.id < other.id ? -1 : 1))
}
