import { KeyrackError } from '@keyrack/protocol'
import { type KeyUse, usesOfOldKey } from './key-uses.ts'
import { between } from './point.ts'
import { isCommitted, isInGrace, type Roll } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'
import { recordRoll } from './roll-rows.ts'

/** A key that was used this short a time ago is in use. */
const IN_USE_MS = 15 * 60_000

/** Ends the grace of a roll early. Refused while somebody still uses the old key, unless forced. */
export async function finishRoll(
  domain: RollDomain,
  roll: Roll,
  { force }: { force: boolean },
  actor: { id: string; name: string },
): Promise<void> {
  if (!isCommitted(roll)) {
    throw new KeyrackError('conflict', 'the new key is not in force yet, so both keys are needed', {
      hint: 'look how far it is: convox rack key status',
    })
  }
  if (!isInGrace(roll)) return
  if (!force) await requireUnused(domain, roll)
  const now = domain.clock()
  await between(domain.point, 'write finish', () =>
    domain.store.transaction(async (tx) => {
      const asked = await tx
        .updateTable('rack_rolls')
        .set({ finish_asked_at: now, updated_at: now, waiting: null })
        .where('id', '=', roll.id)
        .where('open_rack_id', 'is not', null)
        .where('finish_asked_at', 'is', null)
        .returningAll()
        .executeTakeFirst()
      if (asked === undefined) return
      const note = `${force ? 'forced to finish' : 'finished early'} by ${actor.name}`
      await recordRoll(domain, tx, asked, { note, actor, action: 'rack.key.finish' })
    }),
  )
}

async function requireUnused(domain: RollDomain, roll: Roll): Promise<void> {
  const since = domain.clock() - IN_USE_MS
  const users = (await usesOfOldKey(domain, roll)).filter((use) => use.last_at > since)
  if (users.length === 0) return
  throw new KeyrackError(
    'conflict',
    `the old key is still used: ${users.slice(0, 5).map(named).join('; ')}`,
    {
      field: 'force',
      hint: 'give them the new key first, or end it all the same: convox rack key finish --force',
    },
  )
}

function named({ address, client, last_at }: KeyUse): string {
  return `${address} (${client === '' ? 'unnamed client' : client}), last at ${new Date(last_at).toISOString()}`
}
