import { KeyrackError } from '@keyrack/protocol'
import type { RequestContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import { endSupersededRoll } from '../rack-rolls/end-superseded-roll.ts'
import { destroyAllKeys } from '../rack-rolls/rack-key-rows.ts'
import { replaceCredential } from '../vault/write-credential.ts'
import { administeredRack, type RackName, refuseManaged } from './administered-rack.ts'
import { recordRackEvent } from './rack-event.ts'
import type { RacksDomain } from './racks-domain.ts'

/**
 * Forgets a Rack and its sealed key. The Rack itself runs on, with the same key. Nobody reaches it
 * through this Console from the moment this resolves, open streams included.
 */
export async function removeRack(
  domain: RacksDomain,
  actor: AccountEntry,
  rackName: RackName,
  request: RequestContext,
): Promise<void> {
  const rack = administeredRack(domain.directory, actor, rackName, 'remove its Racks')
  refuseManaged(rack)
  await domain.commit(async (tx) => {
    const removed = await replaceCredential(tx, 'racks', rack.id, () =>
      tx.deleteFrom('racks').where('id', '=', rack.id).returning('id').executeTakeFirst(),
    )
    if (removed === undefined) throw new KeyrackError('not-found', 'this Rack was just removed')
    await destroyAllKeys(tx, rack.id)
    // Without the key nothing can be ended there any more; the Rack ends them in their time.
    await tx.deleteFrom('rack_access_tokens').where('rack_id', '=', rack.id).execute()
    await endSupersededRoll(domain, tx, rack.id, 'the Rack was removed from the Console')
    const { organization, id: rackId, url: note } = rack
    const target = `${organization.name}/${rack.name}`
    const event = { action: 'rack.remove', organization, rackId, target, status: 204, note }
    await recordRackEvent(domain, actor, event, request, tx)
  })
  domain.forget(rack.id)
}
