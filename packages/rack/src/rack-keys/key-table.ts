import type { KeyStatus, LiveKeyState } from '@keyrack/protocol/key-resources'
import type { Transaction } from 'kysely'
import type { RackSchema } from '../database/schema.ts'

export interface LiveKey {
  id: string
  /** SHA-256 of the key, lower-case hex. */
  hash: string
  state: LiveKeyState
  /** Until when an ending key is accepted, milliseconds since 1970. */
  notAfter: number | null
}

export interface KeyTable {
  generation: number
  live: LiveKey[]
  /** Hashes of the keys that were retired. */
  tombstones: ReadonlySet<string>
}

/** What requests are checked against. */
export async function readKeyTable(tx: Transaction<RackSchema>): Promise<KeyTable> {
  const { generation } = await headOf(tx)
  const rows = await tx
    .selectFrom('rack_keys')
    .select(['id', 'hash', 'state', 'not_after'])
    .execute()
  const live: LiveKey[] = []
  const tombstones = new Set<string>()
  for (const { id, hash, state, not_after: notAfter } of rows) {
    if (state === 'retired') tombstones.add(hash)
    else live.push({ id, hash, state, notAfter })
  }
  return { generation, live, tombstones }
}

/** What `key.status` tells of the table; never a hash. */
export async function describeKeys(
  tx: Transaction<RackSchema>,
): Promise<Omit<KeyStatus, 'authenticated_by' | 'uses'>> {
  const { generation } = await headOf(tx)
  const keys = await tx
    .selectFrom('rack_keys')
    .selectAll()
    .where('state', '<>', 'retired')
    .execute()
  const rolls = await tx
    .selectFrom('rack_key_rolls')
    .selectAll()
    .where('state', 'in', ['staged', 'ending'])
    .execute()
  const keyIn = (state: LiveKeyState) => keys.find((key) => key.state === state)
  const rollIn = (state: 'staged' | 'ending') => rolls.find((one) => one.state === state)?.roll
  const [current, staged, ending] = [keyIn('current'), keyIn('staged'), keyIn('ending')]
  if (current === undefined) throw new TypeError('a Rack that runs has a key in force')
  return {
    generation,
    current: { id: current.id, since: current.current_at ?? current.created_at },
    staged:
      staged === undefined
        ? null
        : { roll: rollIn('staged') ?? '', id: staged.id, since: staged.created_at },
    ending:
      ending === undefined
        ? null
        : { roll: rollIn('ending') ?? '', id: ending.id, not_after: ending.not_after ?? 0 },
    last_roll: await lastRoll(tx),
  }
}

async function lastRoll(tx: Transaction<RackSchema>): Promise<KeyStatus['last_roll']> {
  const row = await tx
    .selectFrom('rack_key_rolls')
    .select(['roll', 'state', 'at'])
    .where('state', 'in', ['retired', 'unstaged'])
    .orderBy('at', 'desc')
    .orderBy('generation', 'desc')
    .executeTakeFirst()
  if (row === undefined) return null
  return { roll: row.roll, state: row.state === 'retired' ? 'retired' : 'unstaged', at: row.at }
}

function headOf(tx: Transaction<RackSchema>) {
  return tx.selectFrom('rack_key_head').selectAll().executeTakeFirstOrThrow()
}
