import { describe, expect, it } from 'vitest'
import type { EngineInstance, InstanceStatus } from '../engines/engine.ts'
import { startSshEngine } from '../testing/ssh-engine.ts'
import { describeSystem } from './describe-system.ts'

function instance(id: string, status: InstanceStatus): EngineInstance {
  const address = { privateIp: '127.0.0.1', publicIp: '' }
  return { id, status, startedAt: 0, ...address, cpu: 0, memory: 0, processes: 0, agent: true }
}

async function systemWith(...statuses: InstanceStatus[]) {
  return systemThatWants({ wanted: 3, updating: false }, ...statuses)
}

async function systemThatWants(
  { keyroll = false, ...instanceCount }: { wanted: number; updating: boolean; keyroll?: boolean },
  ...statuses: InstanceStatus[]
) {
  const { engine } = await startSshEngine(() => {})
  const instances = async () => statuses.map((status, index) => instance(`i-${index}`, status))
  return describeSystem({
    engine: { ...engine, instances },
    name: 'dev',
    address: '[::1]:5443',
    instanceCount,
    keyroll: { updating: keyroll },
  })
}

describe('the status of a Rack', () => {
  it('is running when as many instances run as are wanted', async () => {
    expect((await systemWith('running', 'running', 'running')).status).toBe('running')
    const replacing = await systemWith('running', 'running', 'terminating', 'running')
    expect(replacing.status).toBe('running')
  })

  it('is converging while one is missing, starting or ending', async () => {
    expect((await systemWith('running', 'running')).status).toBe('converging')
    expect((await systemWith('running', 'running', 'pending')).status).toBe('converging')
    expect((await systemWith('running', 'running', 'terminating')).status).toBe('converging')
  })
})

it('is updating until the engine knows what is wanted', async () => {
  const system = await systemThatWants({ wanted: 1, updating: true }, 'running')
  expect(system).toMatchObject({ status: 'updating', count: 1 })
  expect(system.parameters.InstanceCount).toBe('1')
})

it('is updating while the SSH key of the instances is rolled', async () => {
  const rolling = { wanted: 1, updating: false, keyroll: true }
  expect((await systemThatWants(rolling, 'running')).status).toBe('updating')
})

describe('the domains of a Rack', () => {
  it('are its host, and its host and port, also for IPv6', async () => {
    const system = await systemWith()
    expect(system.domain).toBe('[::1]')
    expect(system['rack-domain']).toBe('[::1]:5443')
  })
})
