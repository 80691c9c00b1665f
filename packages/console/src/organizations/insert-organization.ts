import { KeyrackError } from '@keyrack/protocol'
import { isUniqueViolation } from '@keyrack/server'
import type { Tx } from '../context.ts'
import type { OrganizationEntry } from '../directory.ts'
import { newId } from '../new-id.ts'

export async function insertOrganization(
  tx: Tx,
  name: string,
  now: number,
): Promise<OrganizationEntry> {
  const organization = { id: newId(), name }
  try {
    await tx
      .insertInto('organizations')
      .values({ ...organization, created_at: now })
      .execute()
  } catch (error) {
    if (!isUniqueViolation(error)) throw error
    throw new KeyrackError('conflict', `an organization called ${name} is already here`, {
      field: 'organization',
      hint: 'choose another name, or ask its administrators for an invitation to it',
    })
  }
  return organization
}
