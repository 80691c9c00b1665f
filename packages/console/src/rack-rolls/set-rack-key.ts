import { KeyrackError } from '@keyrack/protocol'
import { equalSecrets, type Secret } from '@keyrack/secrets'
import type { RequestContext } from '../context.ts'
import type { AccountEntry, RackEntry } from '../directory.ts'
import { displayName } from '../proxy/find-rack.ts'
import { askRack } from '../racks/ask-rack.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { parseRackKey } from '../racks/parse-rack-key.ts'
import { recordRackEvent } from '../racks/rack-event.ts'
import { endSupersededRoll } from './end-superseded-roll.ts'
import { forgetGeneration } from './key-generations.ts'
import { between } from './point.ts'
import { destroyOldKeys, replaceRackKey, sealRackKey } from './rack-key-rows.ts'
import type { RollDomain } from './roll-domain.ts'
import { findOpenRoll } from './roll-rows.ts'
import { tryKey } from './try-key.ts'

/**
 * Takes a key that somebody found elsewhere: after `rack reset-key`, or of a Rack whose key was
 * changed by hand. The Rack itself has to accept it before anything is saved.
 */
export async function setRackKey(
  domain: RollDomain,
  actor: AccountEntry,
  rack: RackEntry,
  pasted: Secret,
  request: RequestContext,
  stillAllowed: () => void,
): Promise<void> {
  const key = parseRackKey(pasted)
  const held = openRackKey(domain.keyring, rack)
  const { remoteId } = await askRack(domain.guard, rack, key)
  if (remoteId !== rack.remoteId) {
    throw new KeyrackError(
      'conflict',
      `another Rack answers at ${new URL(rack.url).host} than the one that was added`,
      { hint: 'remove it and add the new one under its own name' },
    )
  }
  const open = await findOpenRoll(domain.store.db, rack.id)
  const same = equalSecrets(held.reveal(), key.reveal())
  if (same && open?.method !== 'system-parameter' && open?.method !== 'app-parameter') return
  if (open?.method === 'two-keys') await requireRefused(domain, rack, held)
  stillAllowed()
  const version = rack.keyVersion + 1
  const sealed = sealRackKey(domain.keyring, rack.id, version, key)
  const target = displayName(rack)
  const { organization, id: rackId } = rack
  await between(domain.point, 'write set key', () =>
    domain.commit(async (tx) => {
      const before = rack.keyVersion
      if (!same) await replaceRackKey(tx, { rackId, before, version, sealed }, domain.clock())
      await forgetGeneration(tx, rackId)
      await destroyOldKeys(tx, rackId, version)
      await endSupersededRoll(domain, tx, rackId, 'the key was entered by hand meanwhile')
      const event = { action: 'rack.key.set', organization, rackId, target, status: 200 }
      await recordRackEvent(domain, actor, event, request, tx)
    }),
  )
  domain.directory.setRackStatus(rackId, 'running')
}

/** A roll whose keys work goes on; one whose Rack refuses what we hold would go on for ever. */
async function requireRefused(domain: RollDomain, rack: RackEntry, held: Secret): Promise<void> {
  if ((await tryKey(domain.guard, rack, held)) === 'refused') return
  throw new KeyrackError('conflict', `the key of ${displayName(rack)} is being rolled`, {
    hint: 'wait for its end, or take it back with: convox rack key cancel',
  })
}
