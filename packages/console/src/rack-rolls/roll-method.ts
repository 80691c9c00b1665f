import { KeyrackError } from '@keyrack/protocol'
import type { RackEntry } from '../directory.ts'
import { displayName } from '../proxy/find-rack.ts'
import type { RackFacts } from '../racks/ask-rack.ts'
import type { RollMethod } from './roll.ts'

/** The last version whose parameters go through its own app (protocol.md 8.1). */
const LAST_OF_GENERATION_1 = '20180708231844'

/** How the key of this Rack can be changed; throws where it cannot, before any key is made. */
export function rollMethod({
  remoteId,
  version,
}: Pick<RackFacts, 'remoteId' | 'version'>): RollMethod {
  // Only our own Racks say who they are.
  if (remoteId !== null) return 'two-keys'
  if (/^3\./.test(version)) {
    throw new KeyrackError(
      'conflict',
      `this is an official Rack of version ${version}, and generation 3 has no way to change its key`,
      {
        hint: 'its key is made by Terraform when it is installed; change it there, then run: convox rack key set',
      },
    )
  }
  if (!/^\d{14}$/.test(version)) {
    throw new KeyrackError(
      'conflict',
      'it is not known how a Rack of this version changes its key',
      {
        hint: 'change it on the Rack, then run: convox rack key set',
      },
    )
  }
  return version <= LAST_OF_GENERATION_1 ? 'app-parameter' : 'system-parameter'
}

/** Throws for a local Rack that has never been ready: it has no address yet. */
export function requireStarted(rack: RackEntry): void {
  if (rack.url !== '') return
  throw new KeyrackError('rack-unreachable', `${displayName(rack)} has not started yet`, {
    hint: 'wait a moment and try again; nothing was changed',
  })
}

/** What a roll would do, as far as it is known without asking the Rack; else why there is none. */
export type ForeseenRoll = { method: RollMethod } | { impossible: KeyrackError }

export function foreseeRoll(rack: RackEntry): ForeseenRoll {
  try {
    requireStarted(rack)
    return { method: rollMethod(rack) }
  } catch (error) {
    if (!(error instanceof KeyrackError)) throw error
    return { impossible: error }
  }
}
