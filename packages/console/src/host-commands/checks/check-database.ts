import { KeyrackError } from '@keyrack/protocol'
import { type InspectedStore, openKeyring } from '@keyrack/server'
import type { ConsoleConfig } from '../../config.ts'
import { MIGRATIONS } from '../../database/migrations.ts'
import type { Database } from '../../database/schema.ts'

export function checkDatabase({
  schema,
  damage,
}: Pick<InspectedStore<Database>, 'schema' | 'damage'>): string {
  if (damage !== undefined && damage !== '') {
    throw new KeyrackError('not-ready', `the file is damaged: ${damage}`, {
      hint: 'stop the server and restore the last backup',
    })
  }
  const known = MIGRATIONS.length
  if (schema > known) {
    throw new KeyrackError(
      'conflict',
      `it has schema ${schema}, but this version knows only up to ${known}`,
      { hint: 'use the newer version, or restore the backup made before the upgrade' },
    )
  }
  const state = damage === undefined ? 'answers' : 'sound'
  if (schema === known) return `${state}, schema ${schema}`
  return `${state}, schema ${schema}; the next start brings it to ${known}, as keyrack-console migrate does`
}

/** Whether what is sealed in the database opens with the keys of this folder. */
export async function checkMasterKey(
  store: Pick<InspectedStore<Database>, 'db' | 'schema'>,
  { keyDir }: Pick<ConsoleConfig, 'keyDir'>,
): Promise<string> {
  if (store.schema === 0) return 'nothing is sealed yet'
  const canary = await store.db.selectFrom('canary').select('sealed').executeTakeFirst()
  if (canary === undefined) return 'nothing is sealed yet'
  const row = { read: async () => canary.sealed, write: async () => {} }
  const keyring = await openKeyring({ folder: keyDir, mayCreate: false, canary: row })
  const ids = keyring.ids()
  const { wrappedBy } = keyring.current
  const kind = wrappedBy === undefined ? '' : `, wrapped by AWS KMS: ${wrappedBy}`
  return `opens what is sealed (${ids.length === 1 ? ids[0] : `${ids.length} keys`}${kind})`
}
