import { KeyrackError } from '@keyrack/protocol'
import type { Secret } from '@keyrack/secrets'
import type { AddressGuard } from '../proxy/address-guard.ts'
import type { ConsoleIdentity } from './console-identity.ts'
import { isAnswer, rackKeyRoutes } from './rack-key-routes.ts'
import type { RackPlace } from './rack-peers.ts'

/**
 * Tells one of our own Racks which Console it belongs to. Another Console holds it: 409, unless it
 * is taken over, which the Rack writes into its log. A Rack that is too old to know is left alone.
 */
export async function registerConsole(
  { identity, guard }: { identity: ConsoleIdentity; guard: AddressGuard },
  rack: RackPlace,
  key: Secret,
  takeOver: boolean,
): Promise<void> {
  const { id, publicKey } = identity
  try {
    await rackKeyRoutes(guard, rack, key).register({ console: id, publicKey, takeOver })
  } catch (error) {
    if (isAnswer(error, 404)) return
    if (!isAnswer(error, 409)) throw error
    throw new KeyrackError('conflict', 'another Console holds this Rack', {
      field: 'take_over',
      hint: 'remove it there first; if that Console is gone, take it over: convox racks add --take-over',
      cause: error,
    })
  }
}
