import type { Engine } from '../engines/engine.ts'
import { listInstances } from '../instances/list-instances.ts'
import { describeSystem } from '../system/describe-system.ts'
import { type Answer, jsonAnswer } from './answer.ts'

export type RouteHandler = (parameters: Readonly<Record<string, string>>) => Promise<Answer>

/** By route name. A route of the protocol that is not here answers 501. */
export type RouteHandlers = ReadonlyMap<string, RouteHandler>

export interface RackFacts {
  engine: Engine
  rackId: string
  name: string
  instanceCount: number
  /** `host:port`, known once the Rack listens. */
  address: () => string
}

export function createRouteHandlers(facts: RackFacts): RouteHandlers {
  const { engine, rackId } = facts
  return new Map<string, RouteHandler>([
    // JSON, because the gen1 CLI of 2017 stumbles over the official text (protocol.md 0.1 item 7).
    ['auth', async () => jsonAnswer({ id: rackId })],
    [
      'system.get',
      async () => jsonAnswer(await describeSystem({ ...facts, address: facts.address() })),
    ],
    ['instances.list', async () => jsonAnswer(await listInstances(engine))],
    [
      'instances.terminate',
      async ({ id = '' }) => {
        await engine.terminate(id)
        return jsonAnswer({ success: true })
      },
    ],
  ])
}
