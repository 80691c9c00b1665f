import type { Domain, RequestContext, Tx } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import type { AuditEvent } from './audit-log.ts'

/**
 * Records what somebody, or the operator, did with an account in each of their organizations, whose
 * administrators answer for it; without any, in the server's own chain.
 */
export async function recordAccountEvent(
  domain: Pick<Domain, 'audit'>,
  account: AccountEntry,
  action: string,
  request: RequestContext,
  tx: Tx,
  actor: AuditEvent['actor'] = { id: account.id, name: account.email },
): Promise<void> {
  const organizations = account.roles.size === 0 ? [null] : [...account.roles.keys()]
  for (const organizationId of organizations) {
    await domain.audit.record(
      {
        organizationId,
        actor,
        action,
        target: account.email,
        requestId: request.requestId,
        address: request.address,
      },
      { status: 200 },
      tx,
    )
  }
}
