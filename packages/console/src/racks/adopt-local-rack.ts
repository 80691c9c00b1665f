import type { Tx } from '../context.ts'
import type { OrganizationEntry } from '../directory.ts'
import { writeCredential } from '../vault/write-credential.ts'

/** Puts the local Rack into the first account's organization. Answers its id and name, if there is one. */
export async function adoptLocalRack(
  tx: Tx,
  organization: OrganizationEntry,
): Promise<{ id: string; name: string } | undefined> {
  const rack = await tx
    .selectFrom('racks')
    .where('organization_id', 'is', null)
    .where('local_at', 'is not', null)
    .select(['id', 'name'])
    .executeTakeFirst()
  if (rack === undefined) return undefined
  await writeCredential(tx, 'racks', rack.id, () =>
    tx
      .updateTable('racks')
      .set({ organization_id: organization.id })
      .where('id', '=', rack.id)
      .execute(),
  )
  return rack
}
