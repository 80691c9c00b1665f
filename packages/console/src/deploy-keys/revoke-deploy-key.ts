import { KeyrackError } from '@keyrack/protocol'
import type { Domain, RequestContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { findOrganization } from '../organizations/find-organization.ts'
import { replaceCredential } from '../vault/write-credential.ts'

/** The key is refused from the moment this resolves. */
export async function revokeDeployKey(
  domain: Domain,
  actor: AccountEntry,
  revocation: { organization: string; id: string },
  request: RequestContext,
): Promise<{ id: string; name: string }> {
  const organization = findOrganization(
    domain,
    actor,
    revocation.organization,
    'administer',
    'revoke its deploy keys',
  )
  return domain.commit(async (tx) => {
    const revoked = await replaceCredential(tx, 'deploy_keys', revocation.id, () =>
      tx
        .deleteFrom('deploy_keys')
        .where('organization_id', '=', organization.id)
        .where('id', '=', revocation.id)
        .returning(['id', 'name', 'hash'])
        .executeTakeFirst(),
    )
    if (revoked === undefined) {
      throw new KeyrackError('not-found', `${organization.name} has no such deploy key`, {
        hint: 'list them with: convox deploy-keys',
      })
    }
    await tx.deleteFrom('key_uses').where('key_hash', '=', revoked.hash).execute()
    await domain.audit.record(
      {
        organizationId: organization.id,
        actor: { id: actor.id, name: actor.email },
        action: 'deploy-key.revoke',
        target: revoked.name,
        ...request,
      },
      { status: 200, note: revoked.id },
      tx,
    )
    return { id: revoked.id, name: revoked.name }
  })
}
