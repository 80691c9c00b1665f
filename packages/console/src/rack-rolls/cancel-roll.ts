import { KeyrackError } from '@keyrack/protocol'
import { between } from './point.ts'
import { hasEnded, isCancellable, type Roll } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'
import { findRoll, MovedElsewhere, moveRoll } from './roll-rows.ts'

/**
 * Takes a roll back before its new key is in force. The compare-and-swap excludes the commit, and
 * the commit excludes it: whichever comes second finds another state than it has read.
 */
export async function cancelRoll(
  domain: RollDomain,
  rollId: string,
  actor: { id: string; name: string },
): Promise<Roll> {
  for (;;) {
    const roll = await findRoll(domain.store.db, rollId)
    if (roll === undefined) throw new TypeError(`there is no roll ${rollId}`)
    if (roll.state === 'cancelling' || hasEnded(roll)) return roll
    if (roll.method !== 'two-keys') {
      throw new KeyrackError('conflict', 'the roll of an official Rack cannot be taken back', {
        hint: 'let it end, then roll once more; if it does not end: convox rack key set',
      })
    }
    if (!isCancellable(roll)) {
      throw new KeyrackError('conflict', 'the new key is in force already', {
        hint: 'end the old one: convox rack key finish',
      })
    }
    const cancelled = await cancelFrom(domain, roll, actor)
    if (cancelled !== undefined) return cancelled
    // It has gone on by a state or two, of which there are few: another look decides.
  }
}

async function cancelFrom(
  domain: RollDomain,
  roll: Roll,
  actor: { id: string; name: string },
): Promise<Roll | undefined> {
  const note = `asked for by ${actor.name}`
  try {
    return await between(domain.point, 'write cancelling', () =>
      domain.store.transaction((tx) =>
        moveRoll(domain, tx, roll, { to: 'cancelling', actor, note }),
      ),
    )
  } catch (error) {
    if (error instanceof MovedElsewhere) return undefined
    throw error
  }
}
