import type { System } from '@keyrack/protocol/resources'
import type { Engine } from '../engines/engine.ts'
import type { Keyroll } from '../keyroll/keyroll.ts'
import type { InstanceCount } from './instance-count.ts'
import { RACK_VERSION } from './rack-version.ts'

export interface SystemFacts {
  engine: Engine
  name: string
  /** `host:port` under which clients reach this Rack. */
  address: string
  instanceCount: Pick<InstanceCount, 'wanted' | 'updating'>
  keyroll: Pick<Keyroll, 'updating'>
}

/** The answer of `GET /system`, with the official names (protocol.md 5.1). */
export async function describeSystem(facts: SystemFacts): Promise<Omit<System, 'outputs'>> {
  const { engine, name, address, instanceCount, keyroll } = facts
  const { wanted } = instanceCount
  const updating = instanceCount.updating || keyroll.updating
  const instances = await engine.instances()
  const running = instances.filter((instance) => instance.status === 'running').length
  return {
    count: wanted,
    domain: address.replace(/:\d+$/, ''),
    name,
    parameters: describeParameters(instanceCount),
    provider: engine.name,
    'rack-domain': address,
    region: 'local',
    status: updating ? 'updating' : running === wanted ? 'running' : 'converging',
    type: engine.name,
    version: RACK_VERSION,
  }
}

/** The mask is what official Racks show; nothing ever reads it back as a key. */
export function describeParameters({
  wanted,
}: Pick<InstanceCount, 'wanted'>): Record<string, string> {
  return { InstanceCount: String(wanted), Password: '****' }
}
