import { mintApiKey, type Secret, seal } from '@keyrack/secrets'
import type { ConsoleContext } from '../../context.ts'
import { rackKeyContext } from '../../racks/open-rack-key.ts'
import { writeCredential } from '../write-credential.ts'

/** Racks as adding them writes them, `count` of them in one transaction; their keys by id. */
export async function addSealedRacks(
  { commit, keyring }: Pick<ConsoleContext, 'commit' | 'keyring'>,
  organizationId: string,
  count: number,
): Promise<Map<string, Secret>> {
  const keys = new Map<string, Secret>()
  await commit(async (tx) => {
    for (let index = 0; index < count; index += 1) {
      const id = `rack-${String(index).padStart(4, '0')}`
      const key = mintApiKey('rack')
      keys.set(id, key)
      const row = {
        id,
        organization_id: organizationId,
        name: id,
        provider: 'aws',
        version: '1',
        url: `https://${id}.example.com:443`,
        pin: 'ab'.repeat(32),
        remote_id: null,
        local_at: null,
        loopback_at: null,
        sealed_key: seal(keyring, key, rackKeyContext(id, 1)),
        key_version: 1,
        created_at: 1,
      }
      await writeCredential(tx, 'racks', id, () => tx.insertInto('racks').values(row).execute())
    }
  })
  return keys
}
