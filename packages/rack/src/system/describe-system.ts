import type { System } from '@keyrack/protocol/resources'
import type { Engine } from '../engines/engine.ts'
import { RACK_VERSION } from './rack-version.ts'

export interface SystemFacts {
  engine: Engine
  name: string
  /** `host:port` under which clients reach this Rack. */
  address: string
  instanceCount: number
}

/** The answer of `GET /system`, with the official names (protocol.md 5.1). */
export async function describeSystem(facts: SystemFacts): Promise<Omit<System, 'outputs'>> {
  const { engine, name, address, instanceCount } = facts
  const instances = await engine.instances()
  const running = instances.filter((instance) => instance.status === 'running').length
  return {
    count: instanceCount,
    domain: address.replace(/:\d+$/, ''),
    name,
    // The mask is what official Racks show; nothing ever reads it back as a key.
    parameters: { InstanceCount: String(instanceCount), Password: '****' },
    provider: engine.name,
    'rack-domain': address,
    region: 'local',
    status: running === instanceCount ? 'running' : 'converging',
    type: engine.name,
    version: RACK_VERSION,
  }
}
