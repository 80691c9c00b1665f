import { randomUUID } from 'node:crypto'
import { KeyrackError } from '@keyrack/protocol'
import type { RetiredKey, StagedKey, UnstagedKey } from '@keyrack/protocol/key-resources'
import { equalSecrets } from '@keyrack/secrets'
import type { Selectable, Transaction } from 'kysely'
import type { RackKeyRollsTable, RackKeysTable, RackSchema } from '../database/schema.ts'

/**
 * CRITICAL: what can become of the keys (design.md 6), each within the transaction that it is given.
 * Every act names its roll and may be repeated; none drops the key that asks for it.
 */
export interface Change {
  tx: Transaction<RackSchema>
  /** The latest time that the Rack has known, milliseconds since 1970. */
  now: number
  /** Says what was done, for the Rack's log; stored with it. */
  happened: (message: string) => void
}

export interface Stage {
  roll: string
  hash: string
  copy: string
}

export interface Retire {
  roll: string
  /** Hash of the key that stays, which is the one that asks. */
  keep: string
  /** Hash of the key that goes. A Console that has lost it names none: the roll follows one key only. */
  drop: string | undefined
  /** The end of the old key, milliseconds since 1970; 0 is at once. */
  notAfter: number
}

const GRACE_MAX_MS = 30 * 24 * 60 * 60 * 1000

type Key = Selectable<RackKeysTable>
type Roll = Selectable<RackKeyRollsTable>

/** Ends an old key whose time is over. Runs before everything else. */
export async function endWhatIsOver({ tx, now, happened }: Change): Promise<void> {
  const over = await tx
    .selectFrom('rack_keys')
    .selectAll()
    .where('state', '=', 'ending')
    .where('not_after', '<=', now)
    .executeTakeFirst()
  if (over === undefined) return
  await bury(tx, over.id, now)
  await tx
    .updateTable('rack_key_rolls')
    .set({ state: 'retired', at: now })
    .where('state', '=', 'ending')
    .execute()
  happened('the time of the old key is over; it is refused')
}

export async function stageKey(change: Change, askerId: string, stage: Stage): Promise<StagedKey> {
  const { tx, now, happened } = change
  const { roll, hash, copy } = stage
  const asker = await askerOf(tx, askerId)
  if (asker.state !== 'current') {
    throw conflict('only the key in force can stage its successor', 'see: convox rack key status')
  }
  const known = await rollOf(tx, roll)
  const staged = await keyIn(tx, 'staged')
  if (known?.state === 'staged') {
    if (staged === undefined || !equalSecrets(staged.hash, hash)) {
      throw conflict(`the roll ${roll} has staged another key`)
    }
    return { roll, generation: await generationOf(tx), state: 'staged' }
  }
  if (known !== undefined) throw overAlready(known)
  if (staged !== undefined) {
    const open = await openRoll(tx, 'staged')
    throw conflict(
      `the roll ${open?.roll} has staged a key`,
      'finish it, or cancel it: convox rack key cancel',
    )
  }
  if ((await keyIn(tx, 'ending')) !== undefined) {
    const open = await openRoll(tx, 'ending')
    throw conflict(
      `the last roll is not finished: ${open?.roll} leaves its old key some time`,
      'end it now: convox rack key finish',
    )
  }
  if ((await keyWith(tx, hash)) !== undefined) {
    throw invalid('hash', 'this Rack knows that key already, and no key comes back; make a new one')
  }
  const id = randomUUID()
  await tx
    .insertInto('rack_keys')
    .values({ ...NEW_KEY, id, hash, state: 'staged', created_at: now, copy })
    .execute()
  await tx
    .insertInto('rack_key_rolls')
    .values({ ...NEW_ROLL, roll, state: 'staged', new_key: id, old_key: asker.id, at: now })
    .execute()
  happened(`the roll ${roll} staged a new key; both are accepted`)
  return { roll, generation: await generationOf(tx), state: 'staged' }
}

export async function unstageKey(
  { tx, now, happened }: Change,
  askerId: string,
  roll: string,
): Promise<UnstagedKey> {
  const asker = await askerOf(tx, askerId)
  const known = await rollOf(tx, roll)
  if (known === undefined) {
    // It may still be on its way, and must find that it is no longer wanted.
    await tx
      .insertInto('rack_key_rolls')
      .values({ ...NEW_ROLL, roll, state: 'unstaged', at: now })
      .execute()
  } else if (known.state === 'staged') {
    if (asker.id === known.new_key) throw wouldRemoveItself()
    if (known.new_key !== null) await bury(tx, known.new_key, now)
    await setRoll(tx, roll, { state: 'unstaged', at: now })
    happened(`the roll ${roll} was cancelled; its new key is refused`)
  } else if (known.state !== 'unstaged') {
    throw overAlready(known)
  }
  return { roll, state: 'unstaged' }
}

export async function retireKey(
  change: Change,
  askerId: string,
  { roll, keep, drop, notAfter }: Retire,
): Promise<RetiredKey> {
  const { tx, now } = change
  if (notAfter > now + GRACE_MAX_MS) {
    throw invalid('not_after', 'not_after must be within 30 days, in milliseconds since 1970')
  }
  const asker = await askerOf(tx, askerId)
  if (!equalSecrets(asker.hash, keep)) {
    throw conflict('only the key that is kept can end the other one', 'ask with the new key')
  }
  const known = await rollOf(tx, roll)
  if (known === undefined) throw conflict(`there is no roll ${roll} here`, 'stage its key first')
  if (known.new_key !== asker.id) throw conflict(`the key to keep is not the one of roll ${roll}`)
  const old = known.old_key === null ? undefined : await keyById(tx, known.old_key)
  if (old === undefined || (drop !== undefined && !equalSecrets(old.hash, drop))) {
    throw conflict(`the key to drop is not the one that roll ${roll} follows`)
  }
  if (known.state === 'unstaged') throw overAlready(known)
  if (known.state === 'staged') {
    await bringIntoForce(change, known, asker, old)
    await endAt(change, { roll, old, notAfter, before: Number.POSITIVE_INFINITY })
  } else {
    if (asker.state !== 'current') throw overAlready(known)
    // What has ended stays ended, and a repeated end is the same answer.
    const ended = known.state === 'retired' && notAfter <= now
    if (!ended) await endAt(change, { roll, old, notAfter, before: known.not_after ?? 0 })
  }
  return answerOf(tx, roll)
}

/** The staged key comes into force. The old one is still accepted, until `endAt` says how long. */
async function bringIntoForce(
  { tx, now, happened }: Change,
  roll: Roll,
  key: Key,
  old: Key,
): Promise<void> {
  if (old.state !== 'current') throw new TypeError(`the roll ${roll.roll} follows no current key`)
  const generation = (await generationOf(tx)) + 1
  // First the old one, because the table holds only one of a kind.
  await tx
    .updateTable('rack_keys')
    .set({ state: 'ending', not_after: Number.MAX_SAFE_INTEGER, copy: null })
    .where('id', '=', old.id)
    .execute()
  await tx
    .updateTable('rack_keys')
    .set({ state: 'current', current_at: now })
    .where('id', '=', key.id)
    .execute()
  await tx.updateTable('rack_key_head').set({ generation }).execute()
  await setRoll(tx, roll.roll, { state: 'ending', generation, at: now })
  happened(`the roll ${roll.roll} brought its key into force`)
}

interface End {
  roll: string
  old: Key
  notAfter: number
  /** What was asked for before. The end of a key is never put off. */
  before: number
}

async function endAt({ tx, now, happened }: Change, { roll, old, notAfter, before }: End) {
  if (notAfter > before) throw conflict('the end of a key can be brought forward, never put off')
  if (notAfter === before) return
  if (notAfter > now) {
    await tx
      .updateTable('rack_keys')
      .set({ not_after: notAfter })
      .where('id', '=', old.id)
      .execute()
    await setRoll(tx, roll, { not_after: notAfter })
    happened(`the roll ${roll} lets the old key end at ${new Date(notAfter).toISOString()}`)
    return
  }
  await bury(tx, old.id, now)
  await setRoll(tx, roll, { state: 'retired', not_after: notAfter, at: now })
  happened(`the roll ${roll} ended the old key; it is refused`)
}

async function answerOf(tx: Change['tx'], roll: string): Promise<RetiredKey> {
  const row = await rollOf(tx, roll)
  const generation = row?.generation ?? (await generationOf(tx))
  return row?.state === 'ending'
    ? { roll, generation, state: 'ending', not_after: row.not_after }
    : { roll, generation, state: 'retired', not_after: null }
}

/** Makes a key a tombstone: refused for ever, and never a key again. */
async function bury(tx: Change['tx'], id: string, now: number): Promise<void> {
  await tx
    .updateTable('rack_keys')
    .set({ state: 'retired', retired_at: now, copy: null })
    .where('id', '=', id)
    .execute()
}

const NEW_KEY = { version: 1, current_at: null, not_after: null, retired_at: null } as const
const NEW_ROLL = { new_key: null, old_key: null, generation: null, not_after: null } as const

/** It may have been ended since its request was let in. */
async function askerOf(tx: Change['tx'], id: string): Promise<Key> {
  const key = await keyById(tx, id)
  if (key !== undefined && key.state !== 'retired') return key
  throw new KeyrackError('unauthenticated', 'invalid authentication')
}

function keyById(tx: Change['tx'], id: string): Promise<Key | undefined> {
  return tx.selectFrom('rack_keys').selectAll().where('id', '=', id).executeTakeFirst()
}

function keyWith(tx: Change['tx'], hash: string): Promise<Key | undefined> {
  return tx.selectFrom('rack_keys').selectAll().where('hash', '=', hash).executeTakeFirst()
}

function keyIn(tx: Change['tx'], state: 'staged' | 'ending'): Promise<Key | undefined> {
  return tx.selectFrom('rack_keys').selectAll().where('state', '=', state).executeTakeFirst()
}

function rollOf(tx: Change['tx'], roll: string): Promise<Roll | undefined> {
  return tx.selectFrom('rack_key_rolls').selectAll().where('roll', '=', roll).executeTakeFirst()
}

function openRoll(tx: Change['tx'], state: 'staged' | 'ending'): Promise<Roll | undefined> {
  return tx.selectFrom('rack_key_rolls').selectAll().where('state', '=', state).executeTakeFirst()
}

async function setRoll(tx: Change['tx'], roll: string, values: Partial<Roll>): Promise<void> {
  await tx.updateTable('rack_key_rolls').set(values).where('roll', '=', roll).execute()
}

async function generationOf(tx: Change['tx']): Promise<number> {
  const head = await tx.selectFrom('rack_key_head').select('generation').executeTakeFirstOrThrow()
  return head.generation
}

function overAlready({ roll, state }: Roll): KeyrackError {
  return state === 'unstaged'
    ? conflict(`the roll ${roll} was cancelled and does not come back`, 'begin another one')
    : conflict(`the roll ${roll} has brought its key into force already`)
}

function wouldRemoveItself(): KeyrackError {
  return conflict('that would remove the key that asks', 'ask with the key in force')
}

function conflict(message: string, hint?: string): KeyrackError {
  return new KeyrackError('conflict', message, hint === undefined ? {} : { hint })
}

function invalid(field: string, message: string): KeyrackError {
  return new KeyrackError('invalid', message, { field })
}
