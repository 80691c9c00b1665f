import type { Tx } from '../context.ts'

export interface EndedMinter {
  accountId: string
  /** Only what they made for Racks of it; all where it is left out. */
  organizationId?: string
  now: number
  /** Completes "ended because ...". */
  because: string
}

/**
 * Access tokens end with the rights of who made them: they are marked in the transaction that takes
 * the rights away, and ended at their Racks by `TokenEndings`, again and again until it is done.
 */
export async function endTokensOf(tx: Tx, ended: EndedMinter): Promise<void> {
  const { accountId, organizationId, now, because } = ended
  let marked = tx
    .updateTable('rack_access_tokens')
    .set({ ending_since: now, ending_because: because })
    .where('account_id', '=', accountId)
    .where('ending_since', 'is', null)
  if (organizationId !== undefined) marked = marked.where('organization_id', '=', organizationId)
  await marked.execute()
}
