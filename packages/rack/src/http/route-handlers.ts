import { KeyrackError } from '@keyrack/protocol'
import type { Store } from '@keyrack/server'
import type { RackSchema } from '../database/schema.ts'
import type { Engine } from '../engines/engine.ts'
import { listInstances } from '../instances/list-instances.ts'
import type { Authenticated } from '../rack-keys/authenticate.ts'
import { describeCapacity } from '../system/describe-capacity.ts'
import { describeMetrics } from '../system/describe-metrics.ts'
import { describeParameters, describeSystem } from '../system/describe-system.ts'
import type { InstanceCount } from '../system/instance-count.ts'
import { listProcesses } from '../system/list-processes.ts'
import { listReleases } from '../system/rack-releases.ts'
import { RACK_VERSION } from '../system/rack-version.ts'
import { readParameters, readSystemUpdate, type SystemUpdate } from '../system/system-update.ts'
import type { UsageHistory } from '../system/usage-history.ts'
import { type Answer, jsonAnswer } from './answer.ts'

export interface RouteCall {
  parameters: Readonly<Record<string, string>>
  /** The fields of the body and of the query; throws when the body is no form. */
  form: () => URLSearchParams
  requestId: string
  /** Where the request comes from. */
  address: string
  /** Absent on the few routes that are open to anybody. */
  asker?: Authenticated
}

export type RouteHandler = (call: RouteCall) => Promise<Answer>

/** By route name. A route of the protocol that is not here answers 501. */
export type RouteHandlers = ReadonlyMap<string, RouteHandler>

export interface RackFacts {
  store: Store<RackSchema>
  engine: Engine
  rackId: string
  name: string
  instanceCount: InstanceCount
  usage: Pick<UsageHistory, 'samples'>
  /** `host:port`, known once the Rack listens. */
  address: () => string
}

export function createRouteHandlers(facts: RackFacts): RouteHandlers {
  const { store, engine, rackId, name, instanceCount, usage } = facts
  const { maxInstances } = engine.capabilities
  const limits = { type: engine.name, version: RACK_VERSION, maxInstances }
  const system = async () =>
    jsonAnswer(await describeSystem({ ...facts, address: facts.address() }))
  const update = async ({ count }: SystemUpdate, requestId: string): Promise<void> => {
    if (count !== undefined) await instanceCount.set(count, requestId)
  }

  return new Map<string, RouteHandler>([
    // JSON, because the gen1 CLI of 2017 stumbles over the official text (protocol.md 0.1 item 7).
    ['auth', async () => jsonAnswer({ id: rackId })],
    ['system.get', system],
    [
      'system.update',
      // Gen1 clients read the System in the answer, later ones nothing (protocol.md 5.2).
      async ({ form, requestId }) => {
        await update(readSystemUpdate(form(), limits), requestId)
        return system()
      },
    ],
    ['system.capacity', async () => jsonAnswer(await describeCapacity(engine))],
    ['system.metrics', async ({ form }) => jsonAnswer(describeMetrics(usage.samples, form()))],
    ['system.processes', async () => jsonAnswer(listProcesses(name))],
    ['system.releases', async () => jsonAnswer(await listReleases(store, name))],
    // Gen1 sets the Rack's parameters as those of an app with the Rack's name (protocol.md 8.4).
    [
      'parameters.get',
      async ({ parameters }) => {
        refuseApp(parameters.app, name)
        return jsonAnswer(describeParameters(instanceCount))
      },
    ],
    [
      'parameters.set',
      async ({ parameters, form, requestId }) => {
        refuseApp(parameters.app, name)
        await update(readParameters(form(), limits), requestId)
        return jsonAnswer({ success: true })
      },
    ],
    ['instances.list', async () => jsonAnswer(await listInstances(engine))],
    [
      'instances.terminate',
      async ({ parameters: { id = '' } }) => {
        await engine.terminate(id)
        return jsonAnswer({ success: true })
      },
    ],
  ])
}

/** The parameters here are the Rack's own; official clients know the text for an app that is not there. */
function refuseApp(app: string | undefined, rackName: string): void {
  if (app !== rackName) throw new KeyrackError('not-found', `no such app: ${app}`)
}
