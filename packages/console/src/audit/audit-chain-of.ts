import { KeyrackError } from '@keyrack/protocol'
import type { Domain } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { findOrganization } from '../organizations/find-organization.ts'
import { SERVER_CHAIN } from './audit-log.ts'

export interface ChainName {
  chain: string
  /** The organization's name, or `server`. */
  organization: string
}

/**
 * The chain that this person may read: an organization's, for its administrators, or, without a name,
 * the server's own, for the server administrator.
 */
export function auditChainOf(
  domain: Pick<Domain, 'directory'>,
  actor: AccountEntry,
  organization: string | undefined,
): ChainName {
  if (organization !== undefined) {
    const found = findOrganization(
      domain,
      actor,
      organization,
      'administer',
      'may read its audit log',
    )
    return { chain: found.id, organization: found.name }
  }
  if (actor.serverAdministrator) return { chain: SERVER_CHAIN, organization: SERVER_CHAIN }
  throw new KeyrackError('forbidden', 'only the server administrator may read its audit log', {
    hint: 'that of your organization: convox audit',
  })
}
