import type { Keyring } from '@keyrack/secrets'
import type { Domain } from '../context.ts'
import type { AddressGuard } from '../proxy/address-guard.ts'
import type { ConsoleIdentity } from '../rack-rolls/console-identity.ts'

/** What adding, removing and changing Racks works with. */
export interface RacksDomain extends Domain {
  keyring: Keyring
  identity: ConsoleIdentity
  guard: AddressGuard
  /** Ends what is under way with a Rack that was removed. */
  forget(rackId: string): void
}
