import type { Kysely, Selectable } from 'kysely'
import type { Tx } from '../context.ts'
import type { Database, RacksTable } from '../database/schema.ts'
import { writeGeneration } from './key-generations.ts'
import { destroyOldKeys } from './rack-key-rows.ts'
import { hasEnded, ROLL_STATES, type Roll, type RollState } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'

export function findRoll(db: Kysely<Database>, id: string): Promise<Roll | undefined> {
  return db.selectFrom('rack_rolls').where('id', '=', id).selectAll().executeTakeFirst()
}

export function findOpenRoll(db: Kysely<Database>, rackId: string): Promise<Roll | undefined> {
  return db
    .selectFrom('rack_rolls')
    .where('open_rack_id', '=', rackId)
    .selectAll()
    .executeTakeFirst()
}

/** The open roll of a Rack, else the last one. */
export async function findLastRoll(
  db: Kysely<Database>,
  rackId: string,
): Promise<Roll | undefined> {
  const open = await findOpenRoll(db, rackId)
  if (open !== undefined) return open
  return (
    db
      .selectFrom('rack_rolls')
      .where('rack_id', '=', rackId)
      // First by what only grows: the clock may have been set back since.
      .orderBy('new_version', 'desc')
      .orderBy('started_at', 'desc')
      .selectAll()
      .executeTakeFirst()
  )
}

/** The last roll that was done. */
export function findLastDone(db: Kysely<Database>, rackId: string): Promise<Roll | undefined> {
  return db
    .selectFrom('rack_rolls')
    .where('rack_id', '=', rackId)
    .where('state', '=', 'done')
    .orderBy('new_version', 'desc')
    .selectAll()
    .executeTakeFirst()
}

export function findRackRow(
  db: Kysely<Database>,
  rackId: string,
): Promise<Selectable<RacksTable> | undefined> {
  return db.selectFrom('racks').where('id', '=', rackId).selectAll().executeTakeFirst()
}

/** Somebody else has moved the roll on: what is known of it has to be read again. */
export class MovedElsewhere extends Error {}

export interface Move {
  to: RollState
  changes?: Partial<Pick<Roll, 'grace_until' | 'generation' | 'failure'>>
  note?: string
  actor?: { id: string | null; name: string }
}

/**
 * The next state of a roll with its audit row, in one transaction. Compare-and-swap: from the state
 * that was read, or not at all. The end of a roll closes it and destroys a key that did not come
 * into force.
 */
export async function moveRoll(
  { audit, clock }: Pick<RollDomain, 'audit' | 'clock'>,
  tx: Tx,
  roll: Roll,
  { to, changes = {}, note, actor }: Move,
): Promise<Roll> {
  const ended = hasEnded({ state: to })
  const moved = await tx
    .updateTable('rack_rolls')
    .set({
      waiting: null,
      error: null,
      ...changes,
      state: to,
      updated_at: clock(),
      ...(ended ? { open_rack_id: null, sealed_new_key: null } : {}),
    })
    .where('id', '=', roll.id)
    .where('state', '=', roll.state)
    .returningAll()
    .executeTakeFirst()
  if (moved === undefined) throw new MovedElsewhere()
  if (changes.generation != null) await writeGeneration(tx, roll.rack_id, changes.generation)
  if (ended) {
    await tx.deleteFrom('rack_roll_acknowledgements').where('roll_id', '=', roll.id).execute()
  }
  if (to === 'done') await destroyOldKeys(tx, roll.rack_id, roll.new_version)
  await recordRoll({ audit }, tx, moved, { note: note ?? ROLL_STATES[to].detail, actor })
  return moved
}

/** One audit row per state, so that a log read later tells how far a roll had got at any moment. */
export async function recordRoll(
  { audit }: Pick<RollDomain, 'audit'>,
  tx: Tx,
  roll: Roll,
  {
    note,
    actor,
    action = 'rack.key.roll',
  }: { note: string; actor?: Move['actor'] | undefined; action?: string },
): Promise<void> {
  const rack = await tx
    .selectFrom('racks')
    .leftJoin('organizations', 'organizations.id', 'racks.organization_id')
    .where('racks.id', '=', roll.rack_id)
    .select(['racks.name', 'organizations.name as organization'])
    .executeTakeFirst()
  await audit.record(
    {
      organizationId: roll.organization_id,
      actor: actor ?? { id: roll.started_by, name: roll.started_by_name },
      action,
      target: rack === undefined ? 'a Rack that was removed' : `${rack.organization}/${rack.name}`,
      rackId: roll.rack_id,
      requestId: roll.request_id,
      address: roll.address,
    },
    {
      status: roll.state === 'failed' ? 502 : 200,
      note: `${roll.state} (roll ${roll.id}): ${note}`,
    },
    tx,
  )
}
