/**
 * Step 6: what was done through the Console, by whom, is on record: a `started` row before the Rack
 * hears of it, a `finished` row with the outcome. If the first cannot be written, nothing is sent.
 */
import type { Route } from '@keyrack/protocol'
import { type ActorStatement, auditTarget } from '@keyrack/protocol/audit'
import type { AuditLog } from '../audit/audit-log.ts'
import { type Actor, actorName, type RackEntry } from '../directory.ts'

export interface RecordedRequest {
  actor: Actor
  rack: RackEntry
  route: Route
  method: string
  /** Without the query, which may hold anything. */
  path: string
  requestId: string
  address: string
}

export interface Recording {
  /** What a Rack of our own is told of it; absent for what is not recorded. */
  recorded?: Pick<ActorStatement, 'actor' | 'target' | 'request' | 'row'>
  finished(status: number, note?: string): Promise<void>
}

const NOTHING: Recording = { finished: async () => undefined }

export async function record(
  audit: Pick<AuditLog, 'started' | 'finished'>,
  request: RecordedRequest,
): Promise<Recording> {
  const { actor, rack, route } = request
  if (!route.audited) return NOTHING
  const name = actorName(actor)
  const target = auditTarget(request.method, request.path)
  const { id, row } = await audit.started({
    organizationId: rack.organization.id,
    actor: { id: actor.id, name },
    action: route.name,
    target,
    rackId: rack.id,
    requestId: request.requestId,
    address: request.address,
  })
  return {
    recorded: { actor: name, target, request: request.requestId, row },
    finished: (status, note) =>
      audit.finished(id, { status, ...(note === undefined ? {} : { note }) }),
  }
}
