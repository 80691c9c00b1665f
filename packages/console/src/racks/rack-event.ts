import type { Domain, RequestContext, Tx } from '../context.ts'
import type { AccountEntry, OrganizationEntry } from '../directory.ts'

export interface RackEvent {
  action: string
  organization: OrganizationEntry
  /** Left out where there is no Rack yet. */
  rackId?: string
  target: string
  status: number
  note?: string
}

/**
 * Records a change of what the Console knows of a Rack, in the transaction that makes it; or, in one
 * of its own, that somebody tried.
 */
export function recordRackEvent(
  { audit }: Pick<Domain, 'audit'>,
  actor: AccountEntry,
  { organization, status, note, ...event }: RackEvent,
  request: RequestContext,
  tx?: Tx,
): Promise<void> {
  return audit.record(
    {
      ...event,
      organizationId: organization.id,
      actor: { id: actor.id, name: actor.email },
      requestId: request.requestId,
      address: request.address,
    },
    { status, ...(note === undefined ? {} : { note }) },
    tx,
  )
}
