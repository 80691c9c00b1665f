import { KeyrackError } from '@keyrack/protocol'
import { parsePin } from '@keyrack/protocol/client'
import type { Secret } from '@keyrack/secrets'
import { confirmPassword } from '../accounts/confirm-password.ts'
import type { RequestContext } from '../context.ts'
import type { AccountEntry } from '../directory.ts'
import type { AnsweredRack } from './add-rack.ts'
import { actorNow, administeredRack, type RackName, refuseManaged } from './administered-rack.ts'
import { askRack } from './ask-rack.ts'
import { choosePin } from './choose-pin.ts'
import { openRackKey } from './open-rack-key.ts'
import { recordRackEvent } from './rack-event.ts'
import type { RacksDomain } from './racks-domain.ts'

export interface TrustRackInput {
  fingerprint: string
  /** The actor's own, fresh. */
  password: Secret
}

/**
 * Accepts a Rack's new certificate. Whoever decides this decides who gets the Rack's key, so a
 * stolen API key is not enough; and the Rack has to show that certificate and take that key now.
 */
export async function trustRack(
  domain: RacksDomain,
  actor: AccountEntry,
  rackName: RackName,
  input: TrustRackInput,
  request: RequestContext,
): Promise<AnsweredRack> {
  const { directory, guard } = domain
  const find = () =>
    administeredRack(
      directory,
      actorNow(directory, actor),
      rackName,
      'say which certificate is trusted',
    )
  const rack = find()
  refuseManaged(rack)
  const wanted = parsePin(input.fingerprint)
  await confirmPassword(domain, actor, input.password, request)

  const pin = await choosePin(guard, rack, wanted)
  const key = openRackKey(domain.keyring, rack)
  const facts = await askRack(guard, { ...rack, pin }, key)
  const { remoteId, provider, version, showsKey } = facts
  if (rack.remoteId !== remoteId) {
    throw new KeyrackError(
      'conflict',
      `another Rack answers at ${new URL(rack.url).host} than the one that was added`,
      { hint: 'remove it and add the new one under its own name' },
    )
  }
  if (find().id !== rack.id) throw changedMeanwhile()
  await domain.commit(async (tx) => {
    const trusted = await tx
      .updateTable('racks')
      .set({ pin, provider, version })
      .where('id', '=', rack.id)
      .where('pin', '=', rack.pin)
      .returning('id')
      .executeTakeFirst()
    if (trusted === undefined) throw changedMeanwhile()
    const { organization, id: rackId } = rack
    const target = `${organization.name}/${rack.name}`
    const note = `certificate ${pin} instead of ${rack.pin === '' ? 'any of an authority' : rack.pin}`
    const event = { action: 'rack.trust', organization, rackId, target, status: 200, note }
    await recordRackEvent(domain, actor, event, request, tx)
  })
  directory.setRackStatus(rack.id, 'running')
  return { ...rack, pin, provider, version, status: 'running', showsKey }
}

function changedMeanwhile(): KeyrackError {
  return new KeyrackError('conflict', 'this Rack was changed by somebody else just now', {
    hint: 'look again: convox racks',
  })
}
