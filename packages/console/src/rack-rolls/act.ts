import type { Secret } from '@keyrack/secrets'
import type { Selectable } from 'kysely'
import type { RacksTable } from '../database/schema.ts'
import { openRackKey } from '../racks/open-rack-key.ts'
import type { RackPlace } from './rack-peers.ts'
import { isCommitted, type Roll, type RollState } from './roll.ts'
import type { RollDomain } from './roll-domain.ts'

/** What an act works with. It may run again after a crash at any moment, so it is safe to repeat. */
export interface Act {
  domain: RollDomain
  roll: Roll
  rack: RackPlace
  /** The old key. */
  k0: Secret
  /** The new key. */
  k1: Secret
  /** The new key as it is sealed here, bound to the Rack and its version. */
  sealedK1: string
  signal: AbortSignal
}

/**
 * `done`: the fact can be written. `waits`: not yet, for that reason. `back`: the Rack is not where
 * an earlier act had brought it (restored from a backup, for example), so that act is due again.
 */
export type Outcome =
  | { kind: 'done'; generation?: number; note?: string }
  | { kind: 'waits'; reason: string; until?: number }
  | { kind: 'back'; to: RollState; reason: string }

/** It cannot go on, however often it is tried. Before the commit that ends the roll; nothing is lost. */
export class CannotGoOn extends Error {}

/** How a kind of Rack is brought from one key to the next. */
export interface RollActs {
  stage(act: Act): Promise<Outcome>
  verify(act: Act): Promise<Outcome>
  /** Lets the Rack itself end the old key when the grace is over. */
  endLater(act: Act, notAfter: number): Promise<void>
  retire(act: Act): Promise<Outcome>
  /** Undoes the staging; done when the new key is refused. */
  withdraw(act: Act): Promise<Outcome>
}

export interface RollRows {
  roll: Roll
  rack: Selectable<RacksTable>
  previous: string | undefined
}

/** The two keys, from where they are before and after the commit. */
export function openAct(
  domain: RollDomain,
  { roll, rack, previous }: RollRows,
  signal: AbortSignal,
): Act {
  const { id, url, pin, local_at, loopback_at, sealed_key, key_version } = rack
  const { new_version: newVersion, sealed_new_key } = roll
  const committed = isCommitted(roll)
  const sealedNew = committed ? sealed_key : sealed_new_key
  const sealedOld = committed ? previous : sealed_key
  const expected = committed ? newVersion : newVersion - 1
  if (sealedNew === null || sealedOld === undefined || key_version !== expected) {
    throw new CannotGoOn('the key of this Rack was replaced by other means meanwhile')
  }
  const { keyring } = domain
  return {
    domain,
    roll,
    rack: { url: url ?? '', pin: pin ?? '', local: local_at !== null || loopback_at !== null },
    k0: openRackKey(keyring, { id, sealedKey: sealedOld, keyVersion: newVersion - 1 }),
    k1: openRackKey(keyring, { id, sealedKey: sealedNew, keyVersion: newVersion }),
    sealedK1: sealedNew,
    signal,
  }
}
