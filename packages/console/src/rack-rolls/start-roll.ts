import { KeyrackError } from '@keyrack/protocol'
import { mintApiKey, type Secret } from '@keyrack/secrets'
import { isUniqueViolation } from '@keyrack/server'
import type { RequestContext, Tx } from '../context.ts'
import type { RackEntry } from '../directory.ts'
import { newId } from '../new-id.ts'
import { displayName } from '../proxy/find-rack.ts'
import { askRack, type RackFacts } from '../racks/ask-rack.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import { between } from './point.ts'
import { isAnswer, rackKeyRoutes } from './rack-key-routes.ts'
import { sealRackKey } from './rack-key-rows.ts'
import { registerConsole } from './register-console.ts'
import { ROLL_STATES, type Roll } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'
import { requireStarted, rollMethod } from './roll-method.ts'
import { findLastRoll, findOpenRoll, findRackRow, recordRoll } from './roll-rows.ts'

export interface RollRequest {
  /** Milliseconds for which the old key works beside the new one. */
  graceMs: number
  /** Who asked; no id: a schedule. */
  startedBy: { id: string | null; name: string }
  /** Throws when whoever asked may not any more: the Rack takes its time to answer. */
  stillAllowed?: () => void
}

export interface StartedRoll {
  roll: Roll
  /** It was under way already, and this caller joins it. */
  joined: boolean
}

/**
 * Begins a roll, or joins the one that is open. The Rack is asked first, so that one that is down,
 * cannot roll or refuses the key that we hold is told before a key is made.
 */
export async function startRoll(
  domain: RollDomain,
  rack: RackEntry,
  asked: RollRequest,
  request: RequestContext,
): Promise<StartedRoll> {
  const open = await findOpenRoll(domain.store.db, rack.id)
  if (open !== undefined) return { roll: open, joined: true }
  try {
    return await begin(domain, rack, asked, request)
  } catch (error) {
    if (error instanceof KeyrackError && !OVERTAKEN.has(error.code)) throw error
    // Somebody else's roll has begun and ended while the Rack was asked with the key of before.
    const other = await rollSince(domain, rack)
    if (other === undefined) throw error
    return { roll: other, joined: true }
  }
}

/** What happens to a caller whose key was rolled meanwhile. */
const OVERTAKEN: ReadonlySet<string> = new Set(['conflict', 'rack-refused'])

async function begin(
  domain: RollDomain,
  rack: RackEntry,
  asked: RollRequest,
  request: RequestContext,
): Promise<StartedRoll> {
  const facts = await askItself(domain, rack)
  const method = rollMethod(facts)
  if (method !== 'two-keys' && asked.graceMs > 0) {
    throw new KeyrackError(
      'invalid',
      'an official Rack takes one key at a time: there is no grace',
      {
        field: 'grace_seconds',
        hint: 'its old key is refused within the roll, at some of its tasks before others; use 0',
      },
    )
  }
  asked.stillAllowed?.()
  return writeRoll(domain, rack, { ...asked, method, key: mintApiKey('rack') }, request)
}

/** The roll that has replaced the key which this Rack had when it was looked up. */
async function rollSince(
  { store, directory }: RollDomain,
  { id, keyVersion }: RackEntry,
): Promise<Roll | undefined> {
  const now = directory.rackById(id)?.keyVersion ?? keyVersion
  return now > keyVersion ? findLastRoll(store.db, id) : undefined
}

/** What the Rack says of itself; that it takes our key, and is the one that was added. */
async function askItself(domain: RollDomain, rack: RackEntry): Promise<RackFacts> {
  requireStarted(rack)
  const key = openRackKey(domain.keyring, rack)
  const facts = await askRack(domain.guard, rack, key).catch((error: unknown) => {
    if (!(error instanceof KeyrackError) || error.field !== 'key') throw error
    throw new KeyrackError(
      'rack-refused',
      `${displayName(rack)} refuses the key Console has for it`,
      {
        hint: 'enter the one it takes now: convox rack key set',
      },
    )
  })
  if (facts.remoteId !== rack.remoteId) {
    throw new KeyrackError(
      'conflict',
      `another Rack answers at ${new URL(rack.url).host} than the one that was added`,
      { hint: 'remove it and add the new one under its own name' },
    )
  }
  if (facts.remoteId !== null) {
    await requireKeyRoutes(domain, rack, key)
    // By which it can give back the copy of a key that this Console has lost.
    await registerConsole(domain, rack, key, rack.managed)
  }
  return facts
}

async function requireKeyRoutes(domain: RollDomain, rack: RackEntry, key: Secret): Promise<void> {
  await rackKeyRoutes(domain.guard, rack, key)
    .status()
    .catch((error: unknown) => {
      if (!isAnswer(error, 404)) throw error
      throw new KeyrackError('conflict', `${displayName(rack)} is too old to roll its key`, {
        hint: 'install a newer version of the Rack; nothing was changed',
      })
    })
}

/** The new key is sealed, and the roll on record, before the Rack hears of either. */
async function writeRoll(
  domain: RollDomain,
  rack: RackEntry,
  roll: RollRequest & { method: Roll['method']; key: Secret },
  request: RequestContext,
): Promise<StartedRoll> {
  const { store, keyring, replicas, point } = domain
  const [id, now, version] = [newId(), domain.clock(), rack.keyVersion + 1]
  const row: Roll = {
    id,
    rack_id: rack.id,
    open_rack_id: rack.id,
    organization_id: rack.organization.id,
    method: roll.method,
    state: 'staging',
    new_version: version,
    sealed_new_key: sealRackKey(keyring, rack.id, version, roll.key),
    grace_ms: roll.graceMs,
    grace_until: null,
    finish_asked_at: null,
    waiting: null,
    error: null,
    failure: null,
    generation: null,
    started_by: roll.startedBy.id,
    started_by_name: roll.startedBy.name,
    request_id: request.requestId,
    address: request.address,
    started_at: now,
    updated_at: now,
    driver: replicas.id,
  }
  try {
    await between(point, 'write staging', () =>
      store.transaction(async (tx) => {
        await requirePresent(tx, rack)
        await tx.insertInto('rack_rolls').values(row).execute()
        await recordRoll(domain, tx, row, { note: ROLL_STATES.staging.detail })
      }),
    )
    return { roll: row, joined: false }
  } catch (error) {
    if (!isUniqueViolation(error, 'rack_rolls.open_rack_id')) throw error
    const open = await findOpenRoll(store.db, rack.id)
    if (open === undefined) throw error
    return { roll: open, joined: true }
  }
}

/** What the directory shows may be a moment old where other Consoles write as well. */
async function requirePresent(tx: Tx, rack: RackEntry): Promise<void> {
  const row = await findRackRow(tx, rack.id)
  if (row?.key_version === rack.keyVersion) return
  throw new KeyrackError('conflict', `${displayName(rack)} was changed just now`, {
    hint: 'look again: convox rack key status',
  })
}
