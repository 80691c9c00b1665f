import { KeyrackError } from '@keyrack/protocol'
import { isUniqueViolation } from '@keyrack/server'
import type { RequestContext } from '../context.ts'
import type { AccountEntry, RackEntry } from '../directory.ts'
import { administeredRack, type RackName } from './administered-rack.ts'
import { parseRackName } from './parse-rack-name.ts'
import { recordRackEvent } from './rack-event.ts'
import type { RacksDomain } from './racks-domain.ts'

/** Changes only the name: the id stays, and with it what the sealed key is bound to. */
export async function renameRack(
  domain: RacksDomain,
  actor: AccountEntry,
  rackName: RackName,
  newName: string,
  request: RequestContext,
): Promise<RackEntry> {
  const rack = administeredRack(domain.directory, actor, rackName, 'rename its Racks')
  const { organization } = rack
  const name = parseRackName(newName)
  try {
    await domain.commit(async (tx) => {
      const renamed = await tx
        .updateTable('racks')
        .set({ name })
        .where('id', '=', rack.id)
        .where('name', '=', rack.name)
        .returning('id')
        .executeTakeFirst()
      if (renamed === undefined) {
        throw new KeyrackError('conflict', 'this Rack was renamed or removed just now', {
          hint: 'look again: convox racks',
        })
      }
      const target = `${organization.name}/${rack.name}`
      const note = `now ${organization.name}/${name}`
      const event = { action: 'rack.rename', organization, rackId: rack.id, target, note }
      await recordRackEvent(domain, actor, { ...event, status: 200 }, request, tx)
    })
  } catch (error) {
    if (!isUniqueViolation(error, 'racks.name')) throw error
    throw new KeyrackError('conflict', `there is a Rack ${organization.name}/${name} already`, {
      field: 'name',
      hint: 'choose another name',
    })
  }
  return { ...rack, name }
}
