import { KeyrackError } from '@keyrack/protocol'
import type { Kysely } from 'kysely'
import type { RequestContext } from '../context.ts'
import type { Database, RackRollSchedulesTable } from '../database/schema.ts'
import type { AccountEntry, RackEntry } from '../directory.ts'
import { displayName } from '../proxy/find-rack.ts'
import { recordRackEvent } from '../racks/rack-event.ts'
import type { RollDomain } from './roll-domain.ts'

const HOUR_MS = 60 * 60_000
const EVERY_MS_MAX = 366 * 24 * HOUR_MS

export type RollSchedule = RackRollSchedulesTable

export function findSchedule(
  db: Kysely<Database>,
  rackId: string,
): Promise<RollSchedule | undefined> {
  return db
    .selectFrom('rack_roll_schedules')
    .where('rack_id', '=', rackId)
    .selectAll()
    .executeTakeFirst()
}

/** Rolls the key of a Rack by itself every so often; null: not any more. */
export async function scheduleRolls(
  domain: RollDomain,
  actor: AccountEntry,
  rack: RackEntry,
  everyMs: number | null,
  request: RequestContext,
): Promise<void> {
  if (everyMs !== null && !(everyMs >= HOUR_MS && everyMs <= EVERY_MS_MAX)) {
    throw new KeyrackError('invalid', 'keys are rolled between once an hour and once a year', {
      field: 'every_seconds',
      hint: 'give 30 days, for example',
    })
  }
  const { store, clock } = domain
  await store.transaction(async (tx) => {
    if (everyMs === null) {
      await tx.deleteFrom('rack_roll_schedules').where('rack_id', '=', rack.id).execute()
    } else {
      const times = { every_ms: everyMs, next_at: clock() + everyMs }
      const by = { set_by: actor.id, set_by_name: actor.email }
      await tx
        .insertInto('rack_roll_schedules')
        .values({ rack_id: rack.id, ...times, ...by })
        .onConflict((conflict) => conflict.column('rack_id').doUpdateSet({ ...times, ...by }))
        .execute()
    }
    const { organization, id: rackId } = rack
    const note = everyMs === null ? 'off' : `every ${everyMs / 1000} s`
    const target = displayName(rack)
    const event = { action: 'rack.key.schedule', organization, rackId, target, status: 200, note }
    await recordRackEvent(domain, actor, event, request, tx)
  })
}
