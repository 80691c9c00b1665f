import type { Tx } from '../context.ts'
import type { OrganizationEntry } from '../directory.ts'

/** Puts the local Rack into the first account's organization. Answers its id and name, if there is one. */
export async function adoptLocalRack(
  tx: Tx,
  organization: OrganizationEntry,
): Promise<{ id: string; name: string } | undefined> {
  return tx
    .updateTable('racks')
    .set({ organization_id: organization.id })
    .where('organization_id', 'is', null)
    .where('local_at', 'is not', null)
    .returning(['id', 'name'])
    .executeTakeFirst()
}
