import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { KeyrackError } from '@keyrack/protocol'
import { type Keyring, mintApiKey, seal } from '@keyrack/secrets'
import type { Domain } from '../context.ts'
import { newId } from '../new-id.ts'
import { rackKeyContext } from './open-rack-key.ts'

export const LOCAL_RACK_NAME = 'dev'

export interface LocalRackRow {
  id: string
  sealedKey: string
  keyVersion: number
  url: string | null
  pin: string | null
  /** Empty before it was ready once. */
  version: string
}

/**
 * The row of the Rack that this server runs itself, made at the first start. Its key is minted and
 * sealed here before a Rack has ever seen it, so no moment exists at which a Rack accepts a key
 * that a crash has made us forget.
 */
export async function localRackRow(
  domain: Pick<Domain, 'store' | 'commit' | 'clock'>,
  keyring: Keyring,
  dataDir: string,
): Promise<LocalRackRow> {
  const known = await domain.store.db
    .selectFrom('racks')
    .where('local_at', 'is not', null)
    .select(['id', 'sealed_key as sealedKey', 'key_version as keyVersion', 'url', 'pin', 'version'])
    .executeTakeFirst()
  if (known !== undefined) return known

  const folder = localRackFolder(dataDir)
  if (existsSync(folder)) {
    throw new KeyrackError(
      'conflict',
      `${folder} holds a Rack whose key this Console does not have`,
      {
        hint: 'set DATA_DIR to the folder that belongs with it, or move the folder away to begin a new Rack',
      },
    )
  }
  const id = newId()
  const now = domain.clock()
  const sealedKey = seal(keyring, mintApiKey('rack'), rackKeyContext(id, 1))
  await domain.commit(async (tx) => {
    // If there is an account already, its organization gets the Rack, as at sign-up.
    const founder = await tx
      .selectFrom('accounts')
      .innerJoin('memberships', 'memberships.account_id', 'accounts.id')
      .where('accounts.founder', '=', 1)
      .select('memberships.organization_id')
      .orderBy('memberships.created_at')
      .executeTakeFirst()
    await tx
      .insertInto('racks')
      .values({
        id,
        organization_id: founder?.organization_id ?? null,
        name: LOCAL_RACK_NAME,
        provider: 'local',
        url: null,
        pin: null,
        remote_id: null,
        local_at: now,
        sealed_key: sealedKey,
        key_version: 1,
        created_at: now,
      })
      .execute()
  })
  return { id, sealedKey, keyVersion: 1, url: null, pin: null, version: '' }
}

export function localRackFolder(dataDir: string): string {
  return join(dataDir, 'racks', LOCAL_RACK_NAME)
}
